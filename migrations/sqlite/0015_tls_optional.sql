-- tls_optional is 1 for messages that say TLS-Required: No (RFC 8689): they go whatever becomes of TLS.
ALTER TABLE queue_messages ADD COLUMN tls_optional BIGINT NOT NULL DEFAULT 0;
