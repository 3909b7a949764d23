//! The audit log: who changed what, from where, with what was there before and after, and without a secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::house::{ADMIN_PASSWORD, House, PASSWORD};
use crate::support::line::Line;
use crate::support::rest::Rest;

fn entries(caller: &Rest, query: &str) -> Vec<Value> {
    let page = caller.get(&format!("/audit-log?{query}")).ok();
    page["items"].as_array().expect("items").clone()
}

fn kinds(entries: &[Value]) -> Vec<(&str, &str)> {
    let text = |value: &'_ Value| value.as_str().expect("a text").to_owned().leak() as &str;
    entries
        .iter()
        .map(|entry| (text(&entry["kind"]), text(&entry["resource"])))
        .collect()
}

#[test]
fn changes_over_the_api_are_told_with_their_author() {
    let house = House::furnished();
    let admin = house.admin();
    let made = admin.post("/api-keys", json!({"name": "panel", "scopes": ["provision"]})).ok();
    let panel = house.anonymous().with_token(made["key"].as_str().expect("a key"));
    let new = json!({"address": "carol@house.test", "password": "correct-horse", "quota_bytes": 1000, "metadata": {"panel.id": "17"}});
    let reply = panel.post("/users", new);
    reply.ok();
    panel.patch("/users/carol@house.test", json!({"quota_bytes": 2000})).ok();
    // What changes nothing is no change.
    panel.patch("/users/carol@house.test", json!({"quota_bytes": 2000})).ok();
    admin
        .put("/users/carol@house.test/password", json!({"password": "another-horse"}))
        .ok();
    admin
        .put("/aliases/info@house.test", json!({"destinations": ["carol@house.test"]}))
        .ok();
    admin.delete("/aliases/info@house.test").ok();
    admin.delete("/users/carol@house.test").ok();
    let carols = entries(&admin, "resource=users/carol@house.test");
    let resource = "users/carol@house.test";
    assert_eq!(
        kinds(&carols),
        [
            ("user.deleted", resource),
            ("user.password_set", resource),
            ("user.changed", resource),
            ("user.created", resource)
        ]
    );
    let (changed, created) = (&carols[2], &carols[3]);
    assert_eq!(changed["before"]["quota_bytes"], 1000);
    assert_eq!(changed["after"]["quota_bytes"], 2000);
    assert_eq!(changed["domain"], "house.test");
    assert_eq!(
        (&changed["actor"]["kind"], &changed["actor"]["name"]),
        (&json!("api_key"), &json!("panel"))
    );
    assert_eq!(
        (&changed["actor"]["id"], &changed["actor"]["address"]),
        (&made["id"], &json!("127.0.0.1"))
    );
    assert_eq!(created["request_id"], reply.header("x-request-id"));
    assert_eq!(created["after"]["metadata"], json!({"panel.id": "17"}));
    assert!(created.get("before").is_none(), "{created}");
    assert_eq!(
        (&carols[0]["actor"]["kind"], &carols[0]["actor"]["name"]),
        (&json!("user"), &json!("admin"))
    );
    can_be_picked(&admin, made["id"].as_str().expect("an id"));
}

/// By actor, kind, time, and page by page.
fn can_be_picked(admin: &Rest, key: &str) {
    assert_eq!(entries(admin, "actor=panel").len(), 2);
    assert_eq!(entries(admin, &format!("actor={}&kind=user.changed", key)).len(), 1);
    assert_eq!(
        entries(admin, "kind=alias.removed")[0]["before"]["destinations"],
        json!(["carol@house.test"])
    );
    assert_eq!(entries(admin, "until=2020-01-01T00:00:00Z").len(), 0);
    let first = admin.get("/audit-log?resource=users/carol@house.test&limit=3").ok();
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let rest = entries(admin, &format!("resource=users/carol@house.test&cursor={cursor}"));
    assert_eq!(kinds(&rest), [("user.created", "users/carol@house.test")]);
    admin.get("/audit-log?kind=user.create").problem(400);
    // No secret is in it, whoever looks.
    let all = admin.get("/audit-log?limit=1000").ok().to_string();
    for secret in ["correct-horse", "another-horse", "argon2", "phk_", PASSWORD, ADMIN_PASSWORD] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}

#[test]
fn what_hangs_on_a_user_is_told_as_a_part_of_them() {
    let house = House::furnished();
    let admin = house.admin();
    let users = "/users/alice@house.test";
    let app = admin
        .post(&format!("{users}/app-passwords"), json!({"name": "phone", "protocols": ["imap"]}))
        .ok();
    admin.put(&format!("{users}/sieve/main"), json!({"content": "keep;\n"})).ok();
    admin.put(&format!("{users}/sieve/main"), json!({"content": "stop;\n"})).ok();
    admin.post(&format!("{users}/sieve/main/activate"), json!({})).ok();
    let mailbox = admin.post(&format!("{users}/mailboxes"), json!({"name": "Work"})).ok();
    let mailbox = mailbox["id"].as_str().expect("an id");
    admin
        .put(
            &format!("{users}/mailboxes/{mailbox}/rights/bob@house.test"),
            json!({"rights": ["lookup", "read"]}),
        )
        .ok();
    admin.delete(&format!("{users}/mailboxes/{mailbox}")).ok();
    admin
        .post("/domains/house.test/dkim-keys", json!({"algorithm": "ed25519", "selector": "s1"}))
        .ok();
    let told = entries(&admin, "resource=users/alice@house.test&limit=7");
    let part = |name: &str| format!("users/alice@house.test/{name}").leak() as &str;
    assert_eq!(
        kinds(&told),
        [
            ("mailbox.removed", part(&format!("mailboxes/{mailbox}"))),
            ("rights.set", part(&format!("mailboxes/{mailbox}/rights/bob@house.test"))),
            ("mailbox.created", part(&format!("mailboxes/{mailbox}"))),
            ("script.activated", part("sieve/main")),
            ("script.changed", part("sieve/main")),
            ("script.created", part("sieve/main")),
            (
                "app_password.created",
                part(&format!("app-passwords/{}", app["id"].as_str().expect("an id")))
            ),
        ]
    );
    assert_ne!(told[4]["before"]["sha256"], told[4]["after"]["sha256"]);
    assert_eq!(entries(&admin, "resource=users/alice@house.test/sieve/main").len(), 3);
    assert_eq!(
        kinds(&entries(&admin, "kind=dkim_key.created")),
        [("dkim_key.created", "domains/house.test/dkim-keys/s1")]
    );
    let all = admin.get("/audit-log?limit=1000").ok().to_string();
    assert!(
        !all.contains(app["password"].as_str().expect("a password")) && !all.contains("keep;"),
        "{all}"
    );
}

#[test]
fn the_command_line_and_managesieve_are_told_too() {
    let house = House::furnished();
    house.command(&["domain", "add", "other.test", "--description", "mine"]);
    let made = &entries(&house.admin(), "resource=domains/other.test")[0];
    assert_eq!(
        (&made["kind"], &made["actor"]["kind"]),
        (&json!("domain.created"), &json!("command_line"))
    );
    assert!(made["actor"]["name"].is_string() && made.get("request_id").is_none(), "{made}");
    let listed = house.command(&["audit", "list", "--resource", "domains/other.test", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("a document");
    assert_eq!(&listed, made);

    let mut session = Line::connect(house.address("managesieve"));
    let mut ask = |text: &str| {
        if !text.is_empty() {
            session.say(text);
        }
        while !session.line().starts_with("OK") {}
        if text == "STARTTLS" {
            session.start_tls().expect("a TLS handshake");
        }
    };
    for text in ["", "STARTTLS", ""] {
        ask(text);
    }
    let proof = STANDARD.encode(format!("\0alice@house.test\0{PASSWORD}"));
    ask(&format!("AUTHENTICATE \"PLAIN\" \"{proof}\""));
    ask("PUTSCRIPT \"mine\" \"keep;\"");
    let stored = &entries(&house.admin(), "kind=script.created")[0];
    assert_eq!(stored["resource"], "users/alice@house.test/sieve/mine");
    assert_eq!(
        (&stored["actor"]["kind"], &stored["actor"]["name"], &stored["actor"]["address"]),
        (&json!("user"), &json!("alice@house.test"), &json!("127.0.0.1"))
    );
}

#[test]
fn an_administrator_of_a_domain_sees_what_was_done_in_it() {
    let house = House::furnished();
    let admin = house.admin();
    admin.put("/domains/other.test", json!({})).ok();
    admin
        .put("/aliases/info@other.test", json!({"destinations": ["alice@house.test"]}))
        .ok();
    let key = admin
        .post("/api-keys", json!({"name": "other", "domains": ["other.test", "house.test"]}))
        .ok();
    let both = house.anonymous().with_token(key["key"].as_str().expect("a key"));
    let domains = |query: &str| -> Vec<String> {
        let mut all: Vec<String> = entries(&both, query)
            .iter()
            .map(|it| it["domain"].as_str().unwrap_or("").to_owned())
            .collect();
        all.sort();
        all.dedup();
        all
    };
    assert_eq!(domains("limit=1000"), ["house.test", "other.test"]);
    assert_eq!(domains("domain=other.test"), ["other.test"]);
    both.get("/audit-log?domain=third.test").problem(404);
    Rest::login(house.address("http"), "alice@house.test", PASSWORD)
        .get("/audit-log")
        .problem(403);
}

#[test]
fn bans_lists_and_rights_over_imap_are_told_with_their_author() {
    let house = House::furnished();
    let admin = house.admin();
    admin.post("/bans", json!({"network": "192.0.2.0/24", "reason": "guesses"})).ok();
    assert_eq!(admin.delete("/bans/192.0.2.0%2F24").status, 204);
    admin
        .post("/blocklist", json!({"subject": "spammer@bad.test", "note": "junk"}))
        .ok();
    assert!(house.command(&["allowlist", "add", "198.51.100.7"]).status.success());
    let mut imap = house.imap("alice@house.test");
    imap.ok("SETACL INBOX bob@house.test lrs");
    imap.ok("SETACL INBOX bob@house.test lrs");
    imap.ok("DELETEACL INBOX bob@house.test");
    let all = entries(&admin, "limit=100");
    let of = |kind: &str| all.iter().filter(|entry| entry["kind"] == kind).cloned().collect::<Vec<_>>();
    assert_eq!(of("ban.created")[0]["after"]["reason"], "guesses");
    assert_eq!(of("ban.removed")[0]["resource"], "bans/192.0.2.0/24");
    assert_eq!(of("blocklist_entry.created")[0]["actor"]["name"], "admin");
    assert_eq!(of("allowlist_entry.created")[0]["actor"]["kind"], "command_line");
    let (set, removed) = (of("rights.set"), of("rights.removed"));
    assert_eq!((set.len(), removed.len()), (1, 1), "what changes nothing is no change");
    assert_eq!(set[0]["actor"]["name"], "alice@house.test");
    assert_eq!(set[0]["actor"]["address"], "127.0.0.1");
    assert_eq!(
        (&set[0]["after"]["rights"], &removed[0]["before"]["rights"]),
        (&json!("lrs"), &json!("lrs"))
    );
    assert!(
        set[0]["resource"]
            .as_str()
            .is_some_and(|path| path.ends_with("/rights/bob@house.test")),
        "{set:?}"
    );
}
