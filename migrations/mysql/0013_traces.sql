-- What happened to each message: chapters of its story, each a JSON array of steps, and the words by which it is found (addresses in
-- lower case, Message-IDs in angle brackets). at is milliseconds since 1970; serial tells chapters of one moment apart.

CREATE TABLE IF NOT EXISTS trace_chapters (
    message_id BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    serial     BIGINT NOT NULL,
    steps      MEDIUMTEXT NOT NULL,
    PRIMARY KEY (message_id, at, serial)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS trace_words (
    word       VARCHAR(400) NOT NULL,
    message_id BIGINT NOT NULL,
    PRIMARY KEY (word, message_id),
    INDEX trace_words_by_message (message_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
