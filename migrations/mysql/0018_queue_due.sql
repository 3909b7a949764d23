-- What is due is looked for all over the queue, again and again: the index has all that the look needs.
DROP INDEX IF EXISTS queue_recipients_due ON queue_recipients;
CREATE INDEX IF NOT EXISTS queue_recipients_due ON queue_recipients (state, next_attempt_at, destination, lease_until);
