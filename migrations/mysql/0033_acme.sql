-- Certificates from an authority by ACME, which all nodes share: the account there, the certificates with their keys, and what is to be
-- shown while the authority looks.
CREATE TABLE IF NOT EXISTS acme_accounts (
    directory   VARCHAR(400) NOT NULL PRIMARY KEY,
    credentials BLOB NOT NULL,
    created_at  BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- chain and private_key are PEM, NULL before the first is had. A node that asks for one claims the row until claimed_until.
CREATE TABLE IF NOT EXISTS acme_certificates (
    name          VARCHAR(255) NOT NULL PRIMARY KEY,
    chain         BLOB,
    private_key   BLOB,
    next_try_at   BIGINT NOT NULL,
    failures      BIGINT NOT NULL,
    problem       TEXT,
    claimed_until BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS acme_challenges (
    token   VARCHAR(255) NOT NULL PRIMARY KEY,
    name    VARCHAR(255) NOT NULL,
    answer  TEXT NOT NULL,
    ends_at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
