-- The domain of the mailbox's owner: what is given to anyone is looked for in one's own domain alone.

ALTER TABLE acls ADD COLUMN domain_id BIGINT;
UPDATE acls SET domain_id = (SELECT u.domain_id FROM mailboxes m JOIN users u ON u.id = m.user_id WHERE m.id = acls.mailbox_id);
CREATE INDEX acls_by_domain ON acls (identifier, domain_id);
DROP INDEX acls_by_identifier;
