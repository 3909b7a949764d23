-- Annotations (RFC 5464): of a mailbox, or of the server where mailbox_id is 0; private ones of a user, shared ones where user_id is 0.
-- The version of an entry differs after each change.

CREATE TABLE metadata (
    mailbox_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    entry VARCHAR(255) NOT NULL,
    content BYTEA NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (mailbox_id, user_id, entry)
);
