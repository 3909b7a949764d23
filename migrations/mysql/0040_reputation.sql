-- How much spam and other mail came from an address, a network or a domain: in thousandths of a message, as much as counted at updated_at,
-- milliseconds since 1970; it fades.
CREATE TABLE IF NOT EXISTS reputation (
    subject    VARCHAR(255) NOT NULL PRIMARY KEY,
    spam       BIGINT NOT NULL,
    ham        BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS reputation_updated ON reputation (updated_at);
