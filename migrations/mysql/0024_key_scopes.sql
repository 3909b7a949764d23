-- What API keys may be used for: scopes and domains are words with spaces between; no domain is all of them. The column domain is not used
-- any more.
ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS scopes TEXT NOT NULL DEFAULT '*';
ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS domains TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN IF NOT EXISTS updated_at BIGINT NOT NULL DEFAULT 0;
UPDATE api_keys SET domains = COALESCE(domain, ''), updated_at = created_at;
