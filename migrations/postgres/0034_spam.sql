-- What was learned of spam and of other mail: by user, and for the whole server under owner 0. No foreign key, since the server is no user:
-- what a user has taught goes with the user. token is a hash of 64 bits, mark a part of the SHA-256 of a message.
CREATE TABLE spam_classes (
    owner BIGINT NOT NULL PRIMARY KEY,
    spam  BIGINT NOT NULL,
    ham   BIGINT NOT NULL
);

CREATE TABLE spam_tokens (
    owner      BIGINT NOT NULL,
    token      BIGINT NOT NULL,
    spam       BIGINT NOT NULL,
    ham        BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (owner, token)
);
CREATE INDEX spam_tokens_updated ON spam_tokens (owner, updated_at);

CREATE TABLE spam_lessons (
    owner      BIGINT NOT NULL,
    mark       BYTEA NOT NULL,
    spam       BIGINT NOT NULL,
    learned_at BIGINT NOT NULL,
    PRIMARY KEY (owner, mark)
);
CREATE INDEX spam_lessons_learned ON spam_lessons (learned_at);
