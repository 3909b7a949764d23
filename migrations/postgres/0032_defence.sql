-- Who is kept out. defence_version is one row, counted up with each change: nodes watch it.
CREATE TABLE defence_version (
    id      BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO defence_version (id, version) VALUES (1, 0);

-- network is written as a.b.c.d/n. ends_at is NULL for a ban that does not end by itself; one that has ended stays for a while, so that
-- the next one of the same network is longer: times is how often it was banned.
CREATE TABLE bans (
    network    TEXT NOT NULL PRIMARY KEY,
    reason     TEXT NOT NULL,
    automatic  BIGINT NOT NULL,
    times      BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT
);
CREATE INDEX bans_by_end ON bans (ends_at);

-- The operator's lists. list is 0 for what is refused, 1 for what is let through; subject is a network, an address or a domain.
CREATE TABLE access_lists (
    list       BIGINT NOT NULL,
    subject    TEXT NOT NULL,
    note       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT,
    PRIMARY KEY (list, subject)
);
