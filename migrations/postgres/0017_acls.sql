-- Who may do what with the mailboxes of others (RFC 4314): identifier is a login, or 'anyone' for all users of the owner's domain.

CREATE TABLE acls (
    mailbox_id BIGINT NOT NULL,
    identifier VARCHAR(400) NOT NULL,
    rights VARCHAR(32) NOT NULL,
    PRIMARY KEY (mailbox_id, identifier)
);
CREATE INDEX acls_by_identifier ON acls (identifier);
