-- Of each message that was asked for it: the begin of its text, and what its EMAILID and THREADID are made of.

CREATE TABLE previews (
    mailbox_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
);

CREATE TABLE objects (
    mailbox_id BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
);
