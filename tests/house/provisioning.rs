//! What a hosting panel does over the REST API: keys with scopes, labels, deleting and restoring, many at a time.

use serde_json::{Value, json};

use crate::support::house::{House, PASSWORD};
use crate::support::rest::Rest;

/// A caller with a new API key.
fn with_key(house: &House, key: Value) -> Rest {
    let made = house.admin().post("/api-keys", key).ok();
    house.anonymous().with_token(made["key"].as_str().expect("a key"))
}

fn addresses(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("items");
    items.iter().map(|item| item["address"].as_str().expect("an address")).collect()
}

#[test]
fn a_key_provisions_without_reading_mail_or_setting_passwords() {
    let house = House::furnished();
    house
        .smtp()
        .send("ada@client.test", &["bob@house.test"], "Subject: x\n\nx\n")
        .expect(250);
    house.admin().put("/domains/other.test", json!({})).ok();
    let panel = with_key(&house, json!({"name": "panel", "scopes": ["provision"], "domains": ["house.test"]}));
    panel.get("/domains/house.test").ok();
    let carol = json!({"address": "carol@house.test", "password": PASSWORD});
    panel.post("/users", carol.clone()).ok();
    Rest::login(house.address("http"), "carol@house.test", PASSWORD);
    panel.put("/users/carol@house.test", json!({"display_name": "Carol"})).ok();
    panel
        .put("/aliases/info@house.test", json!({"destinations": ["carol@house.test"]}))
        .ok();
    assert_eq!(
        addresses(&panel.get("/users").ok()),
        ["alice@house.test", "bob@house.test", "carol@house.test"]
    );
    // Not what it lacks.
    let lacks = |reply: crate::support::rest::Response, scope: &str| {
        let problem = reply.problem(403);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(scope)), "{problem}");
    };
    lacks(panel.get("/users/bob@house.test/messages"), "messages:read");
    lacks(panel.get("/users/bob@house.test/mailboxes"), "mailboxes:read");
    lacks(
        panel.put("/users/bob@house.test/password", json!({"password": PASSWORD})),
        "users:password",
    );
    lacks(panel.put("/users/bob@house.test", json!({"password": PASSWORD})), "users:password");
    lacks(panel.post("/domains", json!({"domain": "mine.test"})), "domains:write");
    lacks(panel.post("/api-keys", json!({"name": "more"})), "keys:write");
    panel.patch("/users/bob@house.test", json!({"role": "domain_admin"})).problem(403);
    house.admin().patch("/users/bob@house.test", json!({"role": "domain_admin"})).ok();
    panel.patch("/users/bob@house.test", json!({"enabled": false})).problem(403);
    // Not what is elsewhere.
    panel.post("/users", json!({"address": "x@other.test"})).problem(404);
    panel.get("/users?domain=other.test").problem(404);
    panel.get("/domains/other.test").problem(404);
    assert_eq!(panel.get("/domains").ok()["items"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_key_is_changed_and_rotated() {
    let house = House::furnished();
    let admin = house.admin();
    house.admin().put("/domains/other.test", json!({})).ok();
    let made = admin
        .post("/api-keys", json!({"name": "k", "scopes": ["users:read", "keys:write"]}))
        .ok();
    assert_eq!((&made["role"], &made["domains"]), (&json!("server_admin"), &json!([])));
    let path = format!("/api-keys/{}", made["id"].as_str().expect("an id"));
    let key = house.anonymous().with_token(made["key"].as_str().expect("a key"));
    // Nobody gives what they lack, nor takes over a key that may do more.
    key.post("/api-keys", json!({"name": "all"})).problem(403);
    key.post("/api-keys", json!({"name": "some", "scopes": ["users:read"]})).ok();
    key.patch(&path, json!({"scopes": ["*"]})).problem(403);
    let strong = admin.post("/api-keys", json!({"name": "strong"})).ok();
    key.post(&format!("/api-keys/{}/rotate", strong["id"].as_str().expect("an id")), json!({}))
        .problem(403);
    // It holds at once.
    let tag = admin.get(&path).header("etag");
    let domains = json!({"domains": ["house.test", "other.test"], "scopes": ["users:read"]});
    let changed = house.admin().with_header("If-Match", &tag).patch(&path, domains).ok();
    assert_eq!(
        (&changed["role"], &changed["domains"]),
        (&json!("domain_admin"), &json!(["house.test", "other.test"]))
    );
    assert_eq!(addresses(&key.get("/users").ok()), ["alice@house.test", "bob@house.test"]);
    key.get("/users/admin").problem(404);
    key.get("/domains").problem(403);
    let rotated = admin.post(&format!("{path}/rotate"), json!({})).ok();
    key.get("/users").problem(401);
    house
        .anonymous()
        .with_token(rotated["key"].as_str().expect("a key"))
        .get("/users")
        .ok();
    assert_eq!(
        admin
            .post("/api-keys", json!({"name": "x", "scopes": ["users:wrote"]}))
            .problem(422)["field"],
        "scopes[0]"
    );
    assert_eq!(
        admin.post("/api-keys", json!({"name": "x", "scopes": []})).problem(422)["field"],
        "scopes"
    );
}

#[test]
fn a_key_reads_mail_if_it_was_given_that_by_name() {
    let house = House::furnished();
    house
        .smtp()
        .send("ada@client.test", &["bob@house.test"], "Subject: x\n\nx\n")
        .expect(250);
    let reader = with_key(
        &house,
        json!({"name": "otp", "scopes": ["messages:read"], "domains": ["house.test"]}),
    );
    assert_eq!(
        reader.get("/users/bob@house.test/messages").ok()["items"].as_array().map(Vec::len),
        Some(1)
    );
    reader.get("/users").problem(403);
    let all = with_key(&house, json!({"name": "all", "domains": ["house.test"]}));
    all.get("/users").ok();
    all.get("/users/bob@house.test/messages").problem(403);
}

#[test]
fn lists_are_picked_by_a_panels_own_ids() {
    let house = House::furnished();
    let admin = house.admin();
    admin
        .patch(
            "/users/bob@house.test",
            json!({"metadata": {"panel.id": "17"}, "tags": ["vip"], "display_name": "Bob B."}),
        )
        .ok();
    admin.patch("/domains/house.test", json!({"tags": ["vip"]})).ok();
    admin
        .put(
            "/aliases/info@house.test",
            json!({"destinations": ["bob@house.test"], "metadata": {"panel.id": "18"}}),
        )
        .ok();
    for path in [
        "/users?tag=vip",
        "/users?metadata=panel.id:17",
        "/users?search=bob%20b",
        "/users?tag=vip&metadata=panel.id:17",
    ] {
        let list = admin.get(path).ok();
        assert_eq!(addresses(&list), ["bob@house.test"], "{path}");
        assert_eq!(list["items"][0]["metadata"], json!({"panel.id": "17"}));
    }
    assert_eq!(addresses(&admin.get("/aliases?metadata=panel.id:18").ok()), ["info@house.test"]);
    assert_eq!(admin.get("/domains?tag=vip&search=HOUSE").ok()["items"][0]["domain"], "house.test");
    assert_eq!(admin.get("/domains?tag=none").ok()["items"], json!([]));
    assert_eq!(admin.get("/users?metadata=panel.id").problem(400)["field"], "metadata");
    assert_eq!(
        admin.patch("/users/bob@house.test", json!({"metadata": {"a b": "x"}})).problem(422)["field"],
        "metadata"
    );
    let kept = admin
        .patch("/users/bob@house.test", json!({"metadata": {"panel.id": null, "plan": "s"}}))
        .ok();
    assert_eq!((&kept["metadata"], &kept["tags"]), (&json!({"plan": "s"}), &json!(["vip"])));
}

#[test]
fn a_deleted_user_comes_back_with_their_mail() {
    let house = House::furnished();
    let admin = house.admin();
    house
        .smtp()
        .send("ada@client.test", &["bob@house.test"], "Subject: x\n\nx\n")
        .expect(250);
    let shown = admin.get("/users/bob@house.test").ok();
    assert!(shown["used_messages"] == 1 && shown["used_bytes"].as_u64() > Some(10), "{shown}");
    admin.delete("/users/bob@house.test").ok();
    admin.get("/users/bob@house.test").problem(404);
    house
        .smtp()
        .send("ada@client.test", &["bob@house.test"], "Subject: x\n\nx\n")
        .expect(550);
    let deleted = admin.get("/users?deleted=true").ok();
    assert_eq!(addresses(&deleted), ["bob@house.test"]);
    assert!(deleted["items"][0]["deleted_at"].is_string(), "{deleted}");
    admin.post("/users", json!({"address": "bob@house.test"})).problem(409);
    admin.post("/users/bob@house.test/restore", json!({})).ok();
    admin.post("/users/bob@house.test/restore", json!({})).problem(409);
    let bob = Rest::login(house.address("http"), "bob@house.test", PASSWORD);
    assert_eq!(
        bob.get("/users/bob@house.test/messages").ok()["items"].as_array().map(Vec::len),
        Some(1)
    );
    // For good, with everything.
    admin.delete("/users/bob@house.test?purge=true").ok();
    admin.post("/users/bob@house.test/restore", json!({})).problem(404);
    assert!(!house.maildir("bob@house.test").exists());
    house.user("bob@house.test");
    assert_eq!(admin.get("/users/bob@house.test").ok()["used_messages"], 0);
}

#[test]
fn an_alias_ends_at_its_time() {
    let house = House::furnished();
    let alias = |end: &str| json!({"destinations": ["bob@house.test"], "expires_at": end});
    let made = house.admin().put("/aliases/sale@house.test", alias("2100-01-01T00:00:00Z")).ok();
    assert_eq!(made["expires_at"], "2100-01-01T00:00:00Z");
    house
        .smtp()
        .send("ada@client.test", &["sale@house.test"], "Subject: x\n\nx\n")
        .expect(250);
    house.admin().put("/aliases/sale@house.test", alias("2020-01-01T00:00:00Z")).ok();
    house
        .smtp()
        .send("ada@client.test", &["sale@house.test"], "Subject: x\n\nx\n")
        .expect(550);
    let patched = house.admin().patch("/aliases/sale@house.test", json!({"expires_at": null})).ok();
    assert_eq!(patched.get("expires_at"), None);
    house
        .smtp()
        .send("ada@client.test", &["sale@house.test"], "Subject: x\n\nx\n")
        .expect(250);
}

/// The results of a batch, in the order of its items.
fn batch(caller: &Rest, path: &str, media: &str, body: &str) -> Vec<Value> {
    let reply = caller.post_raw(path, media, body.as_bytes());
    assert_eq!((reply.status, reply.kind.as_str()), (200, "application/x-ndjson"), "{reply:?}");
    let mut results: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    results.sort_by_key(|result| result["index"].as_u64());
    results
}

fn statuses(results: &[Value]) -> Vec<u64> {
    results.iter().map(|result| result["status"].as_u64().expect("a status")).collect()
}

#[test]
fn many_are_made_at_once_and_each_has_its_result() {
    let house = House::furnished();
    let admin = house.admin();
    let domains = "[{\"domain\":\"one.test\"}, {\"domain\":\"two.test\",\"alias_of\":\"one.test\"}, {\"domain\":\"a b\"}]";
    assert_eq!(
        statuses(&batch(&admin, "/batch/domains", "application/json", domains)),
        [201, 201, 422]
    );
    let users = [
        r#"{"address":"u1@one.test","password_hash":"{SHA512-CRYPT}$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"}"#,
        r#"{"address":"u2@one.test","quota_bytes":5}"#,
        r#"{"address":"u2@one.test","quota_bytes":6}"#,
        r#"{"address":"u3@nowhere.test"}"#,
        r#"{"address":"u4@one.test","flavour":"sweet"}"#,
        r#"{"address":"u5@one.test""#,
        r#"{"address":"u6@one.test","metadata":{"panel.id":"6"}}"#,
    ];
    let results = batch(&admin, "/batch/users", "application/x-ndjson", &users.join("\n"));
    assert_eq!(statuses(&results), [201, 201, 200, 404, 422, 400, 201], "{results:?}");
    assert_eq!(
        (&results[4]["problem"]["field"], &results[3]["name"]),
        (&json!("flavour"), &json!("u3@nowhere.test"))
    );
    assert_eq!(admin.get("/users/u2@one.test").ok()["quota_bytes"], 6);
    assert_eq!(addresses(&admin.get("/users?metadata=panel.id:6").ok()), ["u6@one.test"]);
    let again = batch(&admin, "/batch/users?existing=refuse", "application/x-ndjson", users[1]);
    assert_eq!(
        (statuses(&again), &again[0]["problem"]["type"]),
        (vec![409], &json!("urn:posthouse:problem:exists"))
    );
    let aliases = r#"[{"address":"info@one.test","destinations":["u1@one.test"]},{"address":"x@one.test","destinations":[]}]"#;
    assert_eq!(statuses(&batch(&admin, "/batch/aliases", "application/json", aliases)), [201, 422]);
    // Only what the caller may.
    let panel = with_key(&house, json!({"name": "p", "scopes": ["provision"], "domains": ["one.test"]}));
    let mixed = [
        r#"{"address":"u7@one.test","password":"open-sesame-8"}"#,
        r#"{"address":"u1@one.test","password":"open-sesame-8"}"#,
        r#"{"address":"u8@house.test"}"#,
        r#"{"address":"u9@one.test","role":"domain_admin"}"#,
    ];
    assert_eq!(
        statuses(&batch(&panel, "/batch/users", "application/x-ndjson", &mixed.join("\n"))),
        [201, 403, 404, 403]
    );
    admin.post_raw("/batch/users", "text/plain", b"x").problem(415);
    Rest::login(house.address("http"), "alice@house.test", PASSWORD)
        .post_raw("/batch/users", "application/json", b"[]")
        .problem(403);
    let broken = admin.post_raw("/batch/users", "application/json", b"{}");
    assert_eq!(serde_json::from_str::<Value>(broken.text.trim()).expect("JSON")["status"], 400);
}

/// More than the buffers between client and server hold, so that nobody must wait for the other for ever.
#[test]
fn a_large_batch_is_worked_off_while_it_comes_in() {
    const MANY: usize = 3_000;
    let house = House::furnished();
    let note = "n".repeat(250);
    let lines = (0..MANY)
        .map(|n| format!("{{\"address\":\"a{n}@house.test\",\"destinations\":[\"alice@house.test\"],\"description\":\"{note}\"}}\n"));
    let results = batch(&house.admin(), "/batch/aliases", "application/x-ndjson", &lines.collect::<String>());
    assert_eq!(
        (results.len(), statuses(&results).iter().all(|status| *status == 201)),
        (MANY, true)
    );
    assert_eq!(house.admin().get("/stats").ok()["aliases"], MANY);
}
