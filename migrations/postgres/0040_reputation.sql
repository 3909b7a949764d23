-- How much spam and other mail came from an address, a network or a domain: in thousandths of a message, as much as counted at updated_at,
-- milliseconds since 1970; it fades.
CREATE TABLE reputation (
    subject    VARCHAR(255) NOT NULL PRIMARY KEY,
    spam       BIGINT NOT NULL,
    ham        BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX reputation_updated ON reputation (updated_at);
