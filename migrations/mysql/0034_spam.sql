-- What was learned of spam and of other mail: by user, and for the whole server under owner 0. No foreign key, since the server is no user:
-- what a user has taught goes with the user. token is a hash of 64 bits, mark a part of the SHA-256 of a message.
CREATE TABLE IF NOT EXISTS spam_classes (
    owner BIGINT NOT NULL PRIMARY KEY,
    spam  BIGINT NOT NULL,
    ham   BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS spam_tokens (
    owner      BIGINT NOT NULL,
    token      BIGINT NOT NULL,
    spam       BIGINT NOT NULL,
    ham        BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (owner, token)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS spam_tokens_updated ON spam_tokens (owner, updated_at);

CREATE TABLE IF NOT EXISTS spam_lessons (
    owner      BIGINT NOT NULL,
    mark       VARBINARY(32) NOT NULL,
    spam       BIGINT NOT NULL,
    learned_at BIGINT NOT NULL,
    PRIMARY KEY (owner, mark)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS spam_lessons_learned ON spam_lessons (learned_at);
