-- Mailboxes whose UIDs below this one may be known beside their messages and not here, since the database was lost or put back.

CREATE TABLE IF NOT EXISTS recoveries (
    mailbox_id BIGINT NOT NULL PRIMARY KEY,
    known_below BIGINT NOT NULL
) ENGINE=InnoDB;
