-- Programs that are told of events. kinds and domains are words with spaces between; looked_at is the number of the last event that was
-- looked at for it. While a secret is changed, the old one signs too, until old_until.
CREATE TABLE IF NOT EXISTS webhooks (
    id            BIGINT NOT NULL PRIMARY KEY,
    url           VARCHAR(2048) NOT NULL,
    kinds         TEXT NOT NULL,
    domains       MEDIUMTEXT NOT NULL,
    enabled       BIGINT NOT NULL,
    description   TEXT NOT NULL,
    failing_since BIGINT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    secret        VARBINARY(64) NOT NULL,
    old_secret    VARBINARY(64),
    old_until     BIGINT,
    looked_at     BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- state: 0 waiting, 1 delivered, 2 failed. Whoever has one in hand puts next_at off, so that another takes it over in time.
CREATE TABLE IF NOT EXISTS webhook_deliveries (
    id         BIGINT NOT NULL PRIMARY KEY,
    webhook_id BIGINT NOT NULL,
    event      BIGINT,
    kind       VARCHAR(40) NOT NULL,
    body       MEDIUMTEXT NOT NULL,
    state      BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    status     BIGINT,
    error      TEXT,
    next_at    BIGINT NOT NULL,
    tried_at   BIGINT,
    begun_at   BIGINT NOT NULL,
    FOREIGN KEY (webhook_id) REFERENCES webhooks (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_time ON webhook_deliveries (state, next_at);
