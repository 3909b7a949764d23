-- The mailboxes of users and the index of their messages. Maildir is the truth for messages and flags; UIDs, UIDVALIDITY,
-- modseqs and the names of keywords are kept here.

CREATE TABLE IF NOT EXISTS mailboxes (
    id BIGINT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL,
    name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
    folder VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
    special_use VARCHAR(16),
    uidvalidity BIGINT NOT NULL,
    uid_next BIGINT NOT NULL,
    recent_from BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    CONSTRAINT mailboxes_name UNIQUE (user_id, name)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS uidvalidities (
    user_id BIGINT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS subscriptions (
    user_id BIGINT NOT NULL,
    name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
    PRIMARY KEY (user_id, name)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS keywords (
    mailbox_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
    PRIMARY KEY (mailbox_id, number)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS messages (
    mailbox_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
    flags BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    size BIGINT NOT NULL,
    internal_date BIGINT NOT NULL,
    PRIMARY KEY (mailbox_id, uid),
    CONSTRAINT messages_name UNIQUE (mailbox_id, name)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS expunged (
    mailbox_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS structures (
    mailbox_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    data MEDIUMBLOB NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
) ENGINE=InnoDB;
