-- A row of expunged is now a run of neighbours: from uid to last_uid (the row of one message may have a last_uid of 0). What went up to
-- the modseq expunged_forgotten of the mailbox may be left out, so that the rows are bounded.
ALTER TABLE expunged ADD COLUMN last_uid BIGINT NOT NULL DEFAULT 0;
CREATE INDEX expunged_modseq ON expunged (mailbox_id, modseq);
ALTER TABLE mailboxes ADD COLUMN expunged_forgotten BIGINT NOT NULL DEFAULT 0;
