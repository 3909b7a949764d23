-- Of each message that was listed: the header fields that clients list messages by.

CREATE TABLE headers (
    mailbox_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
) WITHOUT ROWID;
