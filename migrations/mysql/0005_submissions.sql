-- How much each user has sent: the counts of the hour (since 1970) and of the day in which the row was last written.

CREATE TABLE IF NOT EXISTS submissions (
    user_id         BIGINT NOT NULL PRIMARY KEY,
    hour_number     BIGINT NOT NULL,
    hour_messages   BIGINT NOT NULL,
    hour_recipients BIGINT NOT NULL,
    day_number      BIGINT NOT NULL,
    day_messages    BIGINT NOT NULL,
    day_recipients  BIGINT NOT NULL,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
