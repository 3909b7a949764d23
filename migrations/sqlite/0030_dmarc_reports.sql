-- What became of mail by DMARC, a row for each way of a day (days since 1970, UTC), until it is reported. domain is whose policy it was;
-- digest tells the rows of a domain and day apart; policy and record are JSON.

CREATE TABLE dmarc_results (
    day      BIGINT NOT NULL,
    domain   VARCHAR(255) NOT NULL,
    digest   VARCHAR(64) NOT NULL,
    policy   TEXT NOT NULL,
    record   TEXT NOT NULL,
    messages BIGINT NOT NULL,
    PRIMARY KEY (day, domain, digest)
);

-- Which reports some node has taken on: nobody sends them a second time.
CREATE TABLE dmarc_reports (
    day    BIGINT NOT NULL,
    domain VARCHAR(255) NOT NULL,
    PRIMARY KEY (day, domain)
);
