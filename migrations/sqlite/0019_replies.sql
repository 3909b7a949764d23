-- Replies to requests that carried an Idempotency-Key. id and fingerprint are SHA-256 in hexadecimal digits; status is NULL while the
-- request is at work; body is NULL where the reply is not kept.
CREATE TABLE replies (
    id          TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    begun_at    BIGINT NOT NULL,
    status      BIGINT,
    headers     TEXT,
    body        BLOB
);
CREATE INDEX replies_by_age ON replies (begun_at);
