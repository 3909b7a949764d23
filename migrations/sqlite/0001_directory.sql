-- Domains, users, aliases, keys and tokens.
-- Times are milliseconds since 1970; enabled is 0 or 1; role is 0 user, 1 domain admin, 2 server admin.

CREATE TABLE domains (
    id          BIGINT NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    alias_of    TEXT,
    enabled     BIGINT NOT NULL,
    description TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- login is the key, all lower case; address is as it was written, NULL for an administrator without a mailbox.
CREATE TABLE users (
    id             BIGINT NOT NULL PRIMARY KEY,
    login          TEXT NOT NULL UNIQUE,
    address        TEXT,
    domain_id      BIGINT,
    display_name   TEXT NOT NULL,
    role           BIGINT NOT NULL,
    enabled        BIGINT NOT NULL,
    password       TEXT,
    quota_bytes    BIGINT,
    quota_messages BIGINT,
    token_epoch    BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    FOREIGN KEY (domain_id) REFERENCES domains (id)
);
CREATE INDEX users_by_domain ON users (domain_id, login);

-- address is the key, all lower case; '@domain' is the domain's catch-all.
CREATE TABLE aliases (
    id          BIGINT NOT NULL PRIMARY KEY,
    address     TEXT NOT NULL UNIQUE,
    shown       TEXT NOT NULL,
    domain_id   BIGINT NOT NULL,
    enabled     BIGINT NOT NULL,
    description TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    FOREIGN KEY (domain_id) REFERENCES domains (id)
);
CREATE INDEX aliases_by_domain ON aliases (domain_id, address);

CREATE TABLE alias_destinations (
    alias_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    address  TEXT NOT NULL,
    PRIMARY KEY (alias_id, position),
    FOREIGN KEY (alias_id) REFERENCES aliases (id) ON DELETE CASCADE
);

-- secret is the SHA-256 of the key, in hexadecimal digits.
CREATE TABLE api_keys (
    id           BIGINT NOT NULL PRIMARY KEY,
    name         TEXT NOT NULL,
    secret       TEXT NOT NULL UNIQUE,
    role         BIGINT NOT NULL,
    domain       TEXT,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    last_used_at BIGINT
);

-- secret is the SHA-256 of the token, in hexadecimal digits.
CREATE TABLE refresh_tokens (
    secret     TEXT NOT NULL PRIMARY KEY,
    user_id    BIGINT NOT NULL,
    epoch      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (expires_at);

-- What all nodes share and nobody configures, such as the key that signs access tokens.
CREATE TABLE settings (
    name    TEXT NOT NULL PRIMARY KEY,
    content BLOB NOT NULL
);

-- One row, counted up with each change of the directory: nodes watch it and drop their caches.
CREATE TABLE directory_version (
    id      BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO directory_version (id, version) VALUES (1, 0);
