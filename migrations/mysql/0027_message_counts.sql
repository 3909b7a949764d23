-- How many messages came, went and stayed: by the hour, counted from 1970, and by what became of them.
CREATE TABLE IF NOT EXISTS message_counts (
    hour  BIGINT NOT NULL,
    kind  VARCHAR(20) NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (hour, kind)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
