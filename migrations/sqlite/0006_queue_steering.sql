-- state 5 is for held: delivered only after its release. notice_at is when the sender is told that the mail is late, or NULL if never
-- (again). Milliseconds since 1970.
ALTER TABLE queue_recipients ADD COLUMN notice_at BIGINT;
CREATE INDEX queue_recipients_notice ON queue_recipients (notice_at);
