-- What happened to each message: chapters of its story, each a JSON array of steps, and the words by which it is found (addresses in
-- lower case, Message-IDs in angle brackets). at is milliseconds since 1970; serial tells chapters of one moment apart.

CREATE TABLE trace_chapters (
    message_id BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    serial     BIGINT NOT NULL,
    steps      TEXT NOT NULL,
    PRIMARY KEY (message_id, at, serial)
) WITHOUT ROWID;

CREATE TABLE trace_words (
    word       TEXT NOT NULL,
    message_id BIGINT NOT NULL,
    PRIMARY KEY (word, message_id)
) WITHOUT ROWID;
CREATE INDEX trace_words_by_message ON trace_words (message_id);
