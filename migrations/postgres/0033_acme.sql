-- Certificates from an authority by ACME, which all nodes share: the account there, the certificates with their keys, and what is to be
-- shown while the authority looks.
CREATE TABLE acme_accounts (
    directory   TEXT NOT NULL PRIMARY KEY,
    credentials BYTEA NOT NULL,
    created_at  BIGINT NOT NULL
);

-- chain and private_key are PEM, NULL before the first is had. A node that asks for one claims the row until claimed_until.
CREATE TABLE acme_certificates (
    name          TEXT NOT NULL PRIMARY KEY,
    chain         BYTEA,
    private_key   BYTEA,
    next_try_at   BIGINT NOT NULL,
    failures      BIGINT NOT NULL,
    problem       TEXT,
    claimed_until BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

CREATE TABLE acme_challenges (
    token   TEXT NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL,
    answer  TEXT NOT NULL,
    ends_at BIGINT NOT NULL
);
