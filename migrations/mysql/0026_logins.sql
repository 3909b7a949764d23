-- What people log in with besides their password, their sessions of the API, and the logins that were tried. Secrets of app passwords and
-- recovery codes are SHA-256 in hexadecimal digits; protocols and codes are words with spaces between.
ALTER TABLE users ADD COLUMN IF NOT EXISTS totp BIGINT NOT NULL DEFAULT 0;

-- confirmed_at is NULL until the first code; last_step is that of the last code, which is good once.
CREATE TABLE IF NOT EXISTS totp (
    user_id      BIGINT NOT NULL PRIMARY KEY,
    secret       VARBINARY(64) NOT NULL,
    confirmed_at BIGINT,
    last_step    BIGINT NOT NULL,
    recovery     TEXT NOT NULL,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS app_passwords (
    id           BIGINT NOT NULL PRIMARY KEY,
    user_id      BIGINT NOT NULL,
    name         TEXT NOT NULL,
    secret       VARCHAR(64) NOT NULL UNIQUE,
    protocols    TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    last_used_at BIGINT,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS app_passwords_by_user ON app_passwords (user_id);

ALTER TABLE refresh_tokens ADD COLUMN IF NOT EXISTS session_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refresh_tokens ADD COLUMN IF NOT EXISTS begun_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refresh_tokens ADD COLUMN IF NOT EXISTS used_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refresh_tokens ADD COLUMN IF NOT EXISTS peer VARCHAR(45);
CREATE INDEX IF NOT EXISTS refresh_tokens_by_session ON refresh_tokens (session_id);

-- The keys that sign access tokens: the one without an end signs, the others are honoured until theirs.
CREATE TABLE IF NOT EXISTS token_keys (
    id         BIGINT NOT NULL PRIMARY KEY,
    secret     VARBINARY(64) NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- id has the time in its upper bits; login is all lower case.
CREATE TABLE IF NOT EXISTS logins (
    id       BIGINT NOT NULL PRIMARY KEY,
    login    VARCHAR(400) NOT NULL,
    domain   VARCHAR(255),
    protocol VARCHAR(20) NOT NULL,
    peer     VARCHAR(45),
    outcome  VARCHAR(30) NOT NULL,
    times    BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS logins_by_login ON logins (login, id);
CREATE INDEX IF NOT EXISTS logins_by_domain ON logins (domain, id);
