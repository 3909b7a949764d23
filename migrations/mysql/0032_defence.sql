-- Who is kept out. defence_version is one row, counted up with each change: nodes watch it.
CREATE TABLE IF NOT EXISTS defence_version (
    id      BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
INSERT IGNORE INTO defence_version (id, version) VALUES (1, 0);

-- network is written as a.b.c.d/n. ends_at is NULL for a ban that does not end by itself; one that has ended stays for a while, so that
-- the next one of the same network is longer: times is how often it was banned.
CREATE TABLE IF NOT EXISTS bans (
    network    VARCHAR(50) NOT NULL PRIMARY KEY,
    reason     TEXT NOT NULL,
    automatic  BIGINT NOT NULL,
    times      BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS bans_by_end ON bans (ends_at);

-- The operator's lists. list is 0 for what is refused, 1 for what is let through; subject is a network, an address or a domain.
CREATE TABLE IF NOT EXISTS access_lists (
    list       BIGINT NOT NULL,
    subject    VARCHAR(400) NOT NULL,
    note       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT,
    PRIMARY KEY (list, subject)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
