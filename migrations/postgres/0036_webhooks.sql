-- Programs that are told of events. kinds and domains are words with spaces between; looked_at is the number of the last event that was
-- looked at for it. While a secret is changed, the old one signs too, until old_until.
CREATE TABLE webhooks (
    id            BIGINT NOT NULL PRIMARY KEY,
    url           TEXT NOT NULL,
    kinds         TEXT NOT NULL,
    domains       TEXT NOT NULL,
    enabled       BIGINT NOT NULL,
    description   TEXT NOT NULL,
    failing_since BIGINT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    secret        BYTEA NOT NULL,
    old_secret    BYTEA,
    old_until     BIGINT,
    looked_at     BIGINT NOT NULL
);

-- state: 0 waiting, 1 delivered, 2 failed. Whoever has one in hand puts next_at off, so that another takes it over in time.
CREATE TABLE webhook_deliveries (
    id         BIGINT NOT NULL PRIMARY KEY,
    webhook_id BIGINT NOT NULL,
    event      BIGINT,
    kind       TEXT NOT NULL,
    body       TEXT NOT NULL,
    state      BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    status     BIGINT,
    error      TEXT,
    next_at    BIGINT NOT NULL,
    tried_at   BIGINT,
    begun_at   BIGINT NOT NULL,
    FOREIGN KEY (webhook_id) REFERENCES webhooks (id) ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (state, next_at);
