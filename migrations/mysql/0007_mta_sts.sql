-- The MTA-STS policies of other domains, as they were fetched, while they hold: policy_id is what the domain called it.

CREATE TABLE IF NOT EXISTS mta_sts_policies (
    domain      VARCHAR(255) NOT NULL PRIMARY KEY,
    policy_id   VARCHAR(32) NOT NULL,
    content     MEDIUMBLOB NOT NULL,
    holds_until BIGINT NOT NULL,
    INDEX mta_sts_policies_by_end (holds_until)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
