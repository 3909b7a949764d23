-- Metadata and tags of domains, users and aliases: as JSON in their rows for reading, and as rows of their own by which lists are picked.
-- Users that are deleted, aliases that expire; NULL: not.
CREATE TABLE IF NOT EXISTS labels (
    owner   BIGINT NOT NULL,
    name    VARCHAR(100) NOT NULL,
    content VARCHAR(255) NOT NULL,
    PRIMARY KEY (name, content, owner)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS labels_by_owner ON labels (owner);
ALTER TABLE domains ADD COLUMN IF NOT EXISTS labels TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN IF NOT EXISTS labels TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN IF NOT EXISTS deleted_at BIGINT;
ALTER TABLE aliases ADD COLUMN IF NOT EXISTS labels TEXT NOT NULL DEFAULT '';
ALTER TABLE aliases ADD COLUMN IF NOT EXISTS expires_at BIGINT;
CREATE INDEX IF NOT EXISTS users_deleted ON users (deleted_at);
