-- Whom users have written to, and what they have sent. mark is a part of the SHA-256 of an address, or of a Message-ID. Times are
-- milliseconds since 1970.
CREATE TABLE acquaintances (
    user_id BIGINT NOT NULL,
    mark    BLOB NOT NULL,
    met_at  BIGINT NOT NULL,
    PRIMARY KEY (user_id, mark),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX acquaintances_met ON acquaintances (met_at);
