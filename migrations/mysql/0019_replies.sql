-- Replies to requests that carried an Idempotency-Key. id and fingerprint are SHA-256 in hexadecimal digits; status is NULL while the
-- request is at work; body is NULL where the reply is not kept.
CREATE TABLE IF NOT EXISTS replies (
    id          VARCHAR(64) NOT NULL PRIMARY KEY,
    fingerprint VARCHAR(64) NOT NULL,
    begun_at    BIGINT NOT NULL,
    status      BIGINT,
    headers     TEXT,
    body        MEDIUMBLOB
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS replies_by_age ON replies (begun_at);
