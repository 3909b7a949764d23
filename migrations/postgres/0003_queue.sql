-- The queue of outgoing mail: a row a message, a row a recipient. Times are milliseconds since 1970.

-- sender is '' for the null sender; body is 1 for BODY=8BITMIME; smtputf8 is 0 or 1; ret is 0 for HDRS, 1 for FULL.
CREATE TABLE queue_messages (
    id         BIGINT NOT NULL PRIMARY KEY,
    sender     VARCHAR(512) COLLATE "C" NOT NULL,
    size       BIGINT NOT NULL,
    body       BIGINT NOT NULL,
    smtputf8   BIGINT NOT NULL,
    ret        BIGINT,
    envid      VARCHAR(1024) COLLATE "C",
    user_id    BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- position is in the order of RCPT, from 0; notify is the sum of 1 success, 2 failure, 4 delay, and 0 for NEVER;
-- destination is the domain, or the address in brackets; state is 0 waits, 1 done, 2 failed and not yet reported,
-- 3 relayed and not yet reported, 4 failed; expires_at is that of the message; lease is the claim that works on it, or 0.
CREATE TABLE queue_recipients (
    message_id      BIGINT NOT NULL,
    position        BIGINT NOT NULL,
    address         VARCHAR(512) COLLATE "C" NOT NULL,
    notify          BIGINT,
    orcpt           VARCHAR(1024) COLLATE "C",
    destination     VARCHAR(512) COLLATE "C" NOT NULL,
    state           BIGINT NOT NULL,
    attempts        BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    lease           BIGINT NOT NULL,
    lease_until     BIGINT NOT NULL,
    last_attempt_at BIGINT,
    last_status     VARCHAR(512) COLLATE "C",
    last_host       VARCHAR(512) COLLATE "C",
    last_error      VARCHAR(1024) COLLATE "C",
    PRIMARY KEY (message_id, position)
);
CREATE INDEX queue_recipients_due ON queue_recipients (state, next_attempt_at);
CREATE INDEX queue_recipients_destination ON queue_recipients (destination, state, message_id);
CREATE INDEX queue_recipients_lease ON queue_recipients (lease);
