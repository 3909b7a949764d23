-- Domains, users, aliases, keys and tokens.
-- Times are milliseconds since 1970; enabled is 0 or 1; role is 0 user, 1 domain admin, 2 server admin.

CREATE TABLE IF NOT EXISTS domains (
    id          BIGINT NOT NULL PRIMARY KEY,
    name        VARCHAR(255) NOT NULL UNIQUE,
    alias_of    VARCHAR(255),
    enabled     BIGINT NOT NULL,
    description TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- login is the key, all lower case; address is as it was written, NULL for an administrator without a mailbox.
CREATE TABLE IF NOT EXISTS users (
    id             BIGINT NOT NULL PRIMARY KEY,
    login          VARCHAR(400) NOT NULL UNIQUE,
    address        VARCHAR(400),
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
    KEY users_by_domain (domain_id, login),
    FOREIGN KEY (domain_id) REFERENCES domains (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- address is the key, all lower case; '@domain' is the domain's catch-all.
CREATE TABLE IF NOT EXISTS aliases (
    id          BIGINT NOT NULL PRIMARY KEY,
    address     VARCHAR(400) NOT NULL UNIQUE,
    shown       VARCHAR(400) NOT NULL,
    domain_id   BIGINT NOT NULL,
    enabled     BIGINT NOT NULL,
    description TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    KEY aliases_by_domain (domain_id, address),
    FOREIGN KEY (domain_id) REFERENCES domains (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS alias_destinations (
    alias_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    address  VARCHAR(400) NOT NULL,
    PRIMARY KEY (alias_id, position),
    FOREIGN KEY (alias_id) REFERENCES aliases (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- secret is the SHA-256 of the key, in hexadecimal digits.
CREATE TABLE IF NOT EXISTS api_keys (
    id           BIGINT NOT NULL PRIMARY KEY,
    name         TEXT NOT NULL,
    secret       VARCHAR(64) NOT NULL UNIQUE,
    role         BIGINT NOT NULL,
    domain       VARCHAR(255),
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    last_used_at BIGINT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- secret is the SHA-256 of the token, in hexadecimal digits.
CREATE TABLE IF NOT EXISTS refresh_tokens (
    secret     VARCHAR(64) NOT NULL PRIMARY KEY,
    user_id    BIGINT NOT NULL,
    epoch      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    KEY refresh_tokens_by_user (user_id),
    KEY refresh_tokens_by_end (expires_at),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- What all nodes share and nobody configures, such as the key that signs access tokens.
CREATE TABLE IF NOT EXISTS settings (
    name    VARCHAR(64) NOT NULL PRIMARY KEY,
    content BLOB NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- One row, counted up with each change of the directory: nodes watch it and drop their caches.
CREATE TABLE IF NOT EXISTS directory_version (
    id      BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
INSERT IGNORE INTO directory_version (id, version) VALUES (1, 0);
