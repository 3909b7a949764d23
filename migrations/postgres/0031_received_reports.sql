-- Reports of others about domains here, of DMARC ('dmarc') or TLS ('tls'). mark tells a report from others of its kind; document is the
-- report as JSON; good and bad are how many messages or sessions went well and did not.
CREATE TABLE received_reports (
    id           BIGINT NOT NULL PRIMARY KEY,
    kind         VARCHAR(8) NOT NULL,
    mark         VARCHAR(64) NOT NULL,
    domain       VARCHAR(255) NOT NULL,
    organization VARCHAR(255) NOT NULL,
    report_id    VARCHAR(255) NOT NULL,
    begins_at    BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL,
    good         BIGINT NOT NULL,
    bad          BIGINT NOT NULL,
    document     TEXT NOT NULL,
    UNIQUE (kind, mark)
);
CREATE INDEX received_reports_domain ON received_reports (kind, domain, id);
