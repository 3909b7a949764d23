-- Who changed what. id has the time in its upper bits; resource and part are a path; before_json and after_json are documents without
-- secrets.
CREATE TABLE audit_log (
    id          BIGINT NOT NULL PRIMARY KEY,
    actor_kind  TEXT NOT NULL,
    actor       TEXT NOT NULL,
    actor_id    TEXT,
    peer        TEXT,
    request_id  TEXT,
    kind        TEXT NOT NULL,
    resource    TEXT NOT NULL,
    part        TEXT,
    domain      TEXT,
    before_json TEXT,
    after_json  TEXT
);
CREATE INDEX audit_log_by_resource ON audit_log (resource, id);
CREATE INDEX audit_log_by_domain ON audit_log (domain, id);
CREATE INDEX audit_log_by_actor ON audit_log (actor, id);
