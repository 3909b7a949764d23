-- Annotations (RFC 5464): of a mailbox, or of the server where mailbox_id is 0; private ones of a user, shared ones where user_id is 0.
-- The version of an entry differs after each change.

CREATE TABLE IF NOT EXISTS metadata (
    mailbox_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    entry VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
    content MEDIUMBLOB NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (mailbox_id, user_id, entry)
) ENGINE=InnoDB;
