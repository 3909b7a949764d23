-- What happened, for those who want to hear of it. Whoever writes events takes their numbers from the counter, in the same transaction: so
-- larger numbers are seen later, on all nodes. at is milliseconds since 1970; data is a JSON object.
CREATE TABLE IF NOT EXISTS event_counter (
    id   BIGINT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
INSERT IGNORE INTO event_counter (id, last) VALUES (1, 0);

CREATE TABLE IF NOT EXISTS events (
    number BIGINT NOT NULL PRIMARY KEY,
    at     BIGINT NOT NULL,
    kind   VARCHAR(40) NOT NULL,
    domain VARCHAR(255),
    data   MEDIUMTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
