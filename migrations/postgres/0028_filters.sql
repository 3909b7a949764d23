-- The scripts by which users have their mail filtered. users.filter is another number after each change of theirs, NULL where there
-- is none. A name that begins with a dot is of a script that the server makes.
ALTER TABLE users ADD COLUMN filter BIGINT;

CREATE TABLE filter_scripts (
    user_id    BIGINT NOT NULL,
    name       TEXT NOT NULL,
    content    BYTEA NOT NULL,
    size       BIGINT NOT NULL,
    active     BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, name),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- What scripts have seen and for how long it is remembered: whom they have replied to, which message is a duplicate. mark is a part of
-- the SHA-256 of what was seen.
CREATE TABLE filter_seen (
    user_id BIGINT NOT NULL,
    mark    BYTEA NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, mark),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX filter_seen_ends ON filter_seen (ends_at);
