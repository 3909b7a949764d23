-- Mail that was put off, and those who came again. mark is a part of the SHA-256 of a network, a sender and a recipient, or of a network and
-- the domain of a sender. Times are milliseconds since 1970.
CREATE TABLE IF NOT EXISTS greylist (
    mark       VARBINARY(16) NOT NULL PRIMARY KEY,
    first_at   BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS greylist_expires ON greylist (expires_at);
