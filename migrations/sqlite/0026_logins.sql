-- What people log in with besides their password, their sessions of the API, and the logins that were tried. Secrets of app passwords and
-- recovery codes are SHA-256 in hexadecimal digits; protocols and codes are words with spaces between.
ALTER TABLE users ADD COLUMN totp BIGINT NOT NULL DEFAULT 0;

-- confirmed_at is NULL until the first code; last_step is that of the last code, which is good once.
CREATE TABLE totp (
    user_id      BIGINT NOT NULL PRIMARY KEY,
    secret       BLOB NOT NULL,
    confirmed_at BIGINT,
    last_step    BIGINT NOT NULL,
    recovery     TEXT NOT NULL,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE app_passwords (
    id           BIGINT NOT NULL PRIMARY KEY,
    user_id      BIGINT NOT NULL,
    name         TEXT NOT NULL,
    secret       TEXT NOT NULL UNIQUE,
    protocols    TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    last_used_at BIGINT,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX app_passwords_by_user ON app_passwords (user_id);

ALTER TABLE refresh_tokens ADD COLUMN session_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refresh_tokens ADD COLUMN begun_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refresh_tokens ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refresh_tokens ADD COLUMN peer TEXT;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

-- The keys that sign access tokens: the one without an end signs, the others are honoured until theirs.
CREATE TABLE token_keys (
    id         BIGINT NOT NULL PRIMARY KEY,
    secret     BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT
);

-- id has the time in its upper bits; login is all lower case.
CREATE TABLE logins (
    id       BIGINT NOT NULL PRIMARY KEY,
    login    TEXT NOT NULL,
    domain   TEXT,
    protocol TEXT NOT NULL,
    peer     TEXT,
    outcome  TEXT NOT NULL,
    times    BIGINT NOT NULL
);
CREATE INDEX logins_by_login ON logins (login, id);
CREATE INDEX logins_by_domain ON logins (domain, id);
