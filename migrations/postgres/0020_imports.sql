-- What was brought into a mailbox from a folder elsewhere, so that it can be gone on with: source is a digest of the account and the folder.
-- UIDs below reserved are kept for messages from there; those up to last_uid were brought, but for failed (a set of UIDs); flags of messages
-- that nobody has changed here since modseq follow those elsewhere.

CREATE TABLE imports (
    mailbox_id BIGINT NOT NULL,
    source VARCHAR(64) NOT NULL,
    uidvalidity BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    last_uid BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    failed TEXT NOT NULL,
    PRIMARY KEY (mailbox_id, source)
);
