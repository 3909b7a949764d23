-- How much each user has sent: the counts of the hour (since 1970) and of the day in which the row was last written.

CREATE TABLE submissions (
    user_id         BIGINT NOT NULL PRIMARY KEY,
    hour_number     BIGINT NOT NULL,
    hour_messages   BIGINT NOT NULL,
    hour_recipients BIGINT NOT NULL,
    day_number      BIGINT NOT NULL,
    day_messages    BIGINT NOT NULL,
    day_recipients  BIGINT NOT NULL,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
