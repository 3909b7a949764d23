-- The octets of small messages in the queue; those of others lie in the spool.

CREATE TABLE queue_contents (
    message_id BIGINT NOT NULL PRIMARY KEY,
    octets     BLOB NOT NULL
);
