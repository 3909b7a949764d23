-- The MTA-STS policies of other domains, as they were fetched, while they hold: policy_id is what the domain called it.

CREATE TABLE mta_sts_policies (
    domain      TEXT NOT NULL PRIMARY KEY,
    policy_id   TEXT NOT NULL,
    content     BLOB NOT NULL,
    holds_until BIGINT NOT NULL
);

CREATE INDEX mta_sts_policies_by_end ON mta_sts_policies (holds_until);
