-- How many messages came, went and stayed: by the hour, counted from 1970, and by what became of them.
CREATE TABLE message_counts (
    hour  BIGINT NOT NULL,
    kind  TEXT NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (hour, kind)
);
