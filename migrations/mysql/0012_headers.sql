-- Of each message that was listed: the header fields that clients list messages by.

CREATE TABLE IF NOT EXISTS headers (
    mailbox_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    data MEDIUMBLOB NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
) ENGINE=InnoDB;
