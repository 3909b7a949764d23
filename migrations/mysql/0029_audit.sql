-- Who changed what. id has the time in its upper bits; resource and part are a path; before_json and after_json are documents without
-- secrets.
CREATE TABLE IF NOT EXISTS audit_log (
    id          BIGINT NOT NULL PRIMARY KEY,
    actor_kind  VARCHAR(20) NOT NULL,
    actor       VARCHAR(400) NOT NULL,
    actor_id    VARCHAR(20),
    peer        VARCHAR(45),
    request_id  VARCHAR(40),
    kind        VARCHAR(40) NOT NULL,
    resource    VARCHAR(500) NOT NULL,
    part        VARCHAR(700),
    domain      VARCHAR(255),
    before_json MEDIUMTEXT,
    after_json  MEDIUMTEXT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE INDEX IF NOT EXISTS audit_log_by_resource ON audit_log (resource, id);
CREATE INDEX IF NOT EXISTS audit_log_by_domain ON audit_log (domain, id);
CREATE INDEX IF NOT EXISTS audit_log_by_actor ON audit_log (actor, id);
