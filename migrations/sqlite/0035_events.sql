-- What happened, for those who want to hear of it. Whoever writes events takes their numbers from the counter, in the same transaction: so
-- larger numbers are seen later, on all nodes. at is milliseconds since 1970; data is a JSON object.
CREATE TABLE event_counter (
    id   BIGINT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO event_counter (id, last) VALUES (1, 0);

CREATE TABLE events (
    number BIGINT NOT NULL PRIMARY KEY,
    at     BIGINT NOT NULL,
    kind   TEXT NOT NULL,
    domain TEXT,
    data   TEXT NOT NULL
);
