-- The keys that sign a domain's outgoing mail.
-- algorithm is 0 RSA, 1 Ed25519; state is 0 pending, 1 active, 2 retired; private_key is PKCS #8, public_key what stands in p=.

CREATE TABLE dkim_keys (
    domain_id   BIGINT NOT NULL,
    selector    TEXT NOT NULL,
    algorithm   BIGINT NOT NULL,
    state       BIGINT NOT NULL,
    private_key BLOB NOT NULL,
    public_key  BLOB NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (domain_id, selector),
    FOREIGN KEY (domain_id) REFERENCES domains (id) ON DELETE CASCADE
);
