-- The octets of small messages in the queue; those of others lie in the spool.

CREATE TABLE IF NOT EXISTS queue_contents (
    message_id BIGINT NOT NULL PRIMARY KEY,
    octets     MEDIUMBLOB NOT NULL
) ENGINE = InnoDB;
