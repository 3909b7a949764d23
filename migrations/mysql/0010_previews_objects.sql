-- Of each message that was asked for it: the begin of its text, and what its EMAILID and THREADID are made of.

CREATE TABLE IF NOT EXISTS previews (
    mailbox_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    data MEDIUMBLOB NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS objects (
    mailbox_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    data MEDIUMBLOB NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
) ENGINE=InnoDB;
