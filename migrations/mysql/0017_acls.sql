-- Who may do what with the mailboxes of others (RFC 4314): identifier is a login, or 'anyone' for all users of the owner's domain.

CREATE TABLE IF NOT EXISTS acls (
    mailbox_id BIGINT NOT NULL,
    identifier VARCHAR(400) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
    rights VARCHAR(32) NOT NULL,
    PRIMARY KEY (mailbox_id, identifier),
    KEY acls_by_identifier (identifier)
) ENGINE=InnoDB;
