-- The scripts by which users have their mail filtered. users.filter is another number after each change of theirs, NULL where there
-- is none. A name that begins with a dot is of a script that the server makes.
ALTER TABLE users ADD COLUMN IF NOT EXISTS filter BIGINT;

CREATE TABLE IF NOT EXISTS filter_scripts (
    user_id    BIGINT NOT NULL,
    name       VARCHAR(512) NOT NULL,
    content    MEDIUMBLOB NOT NULL,
    size       BIGINT NOT NULL,
    active     BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, name),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- What scripts have seen and for how long it is remembered: whom they have replied to, which message is a duplicate. mark is a part of
-- the SHA-256 of what was seen.
CREATE TABLE IF NOT EXISTS filter_seen (
    user_id BIGINT NOT NULL,
    mark    VARBINARY(32) NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, mark),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS filter_seen_ends ON filter_seen (ends_at);
