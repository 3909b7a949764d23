-- Mail that was put off, and those who came again. mark is a part of the SHA-256 of a network, a sender and a recipient, or of a network and
-- the domain of a sender. Times are milliseconds since 1970.
CREATE TABLE greylist (
    mark       BYTEA NOT NULL PRIMARY KEY,
    first_at   BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX greylist_expires ON greylist (expires_at);
