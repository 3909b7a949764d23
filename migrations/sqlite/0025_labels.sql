-- Metadata and tags of domains, users and aliases: as JSON in their rows for reading, and as rows of their own by which lists are picked.
-- Users that are deleted, aliases that expire; NULL: not.
CREATE TABLE labels (
    owner   BIGINT NOT NULL,
    name    TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (name, content, owner)
) WITHOUT ROWID;
CREATE INDEX labels_by_owner ON labels (owner);
ALTER TABLE domains ADD COLUMN labels TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN labels TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN deleted_at BIGINT;
ALTER TABLE aliases ADD COLUMN labels TEXT NOT NULL DEFAULT '';
ALTER TABLE aliases ADD COLUMN expires_at BIGINT;
CREATE INDEX users_deleted ON users (deleted_at);
