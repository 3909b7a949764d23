-- What became of TLS towards other domains' servers, a row for each way of a day (days since 1970, UTC), until it is reported. digest tells
-- the rows of a domain and day apart; policy is JSON; failure is '' for sessions that were as they were to be.

CREATE TABLE tls_results (
    day          BIGINT NOT NULL,
    domain       VARCHAR(255) NOT NULL,
    digest       VARCHAR(64) NOT NULL,
    policy       TEXT NOT NULL,
    failure      VARCHAR(64) NOT NULL,
    host         VARCHAR(255) NOT NULL,
    receiving_ip VARCHAR(64) NOT NULL,
    sending_ip   VARCHAR(64) NOT NULL,
    sessions     BIGINT NOT NULL,
    PRIMARY KEY (day, domain, digest)
);

-- Which reports some node has taken on: nobody sends them a second time.
CREATE TABLE tls_reports (
    day    BIGINT NOT NULL,
    domain VARCHAR(255) NOT NULL,
    PRIMARY KEY (day, domain)
);
