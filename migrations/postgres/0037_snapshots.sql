-- Large mailboxes as they were at some modseq, many messages in a row: who opens one reads these, and of the messages what changed since.
CREATE TABLE snapshots (
    mailbox_id BIGINT NOT NULL,
    number     BIGINT NOT NULL,
    parts      BIGINT NOT NULL,
    modseq     BIGINT NOT NULL,
    data       BYTEA NOT NULL,
    PRIMARY KEY (mailbox_id, number)
);
