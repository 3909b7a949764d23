//! The REST API: provisioning, reading, refusing; and its document.

use serde_json::{Value, json};

use crate::support::house::{House, PASSWORD};
use crate::support::rest::Rest;

fn addresses(list: &Value, field: &str) -> Vec<String> {
    let items = list["items"].as_array().expect("items");
    items
        .iter()
        .map(|item| item[field].as_str().expect("an address").to_owned())
        .collect()
}

#[test]
fn provisioning_can_be_repeated() {
    let house = House::furnished();
    let admin = house.admin();
    for _ in 0..2 {
        admin.put("/domains/again.test", json!({"domain": "again.test"})).ok();
        admin
            .put("/users/eve@again.test", json!({"address": "eve@again.test", "password": PASSWORD}))
            .ok();
        admin
            .put(
                "/aliases/info@again.test",
                json!({"address": "info@again.test", "destinations": ["eve@again.test"]}),
            )
            .ok();
    }
    assert_eq!(
        addresses(&admin.get("/users?domain=again.test").ok(), "address"),
        ["eve@again.test"]
    );
    assert_eq!(
        admin.get("/aliases/info@again.test").ok()["destinations"],
        json!(["eve@again.test"])
    );
    house
        .smtp()
        .send("ada@client.test", &["info@again.test"], "Subject: x\n\nx\n")
        .expect(250);
}

#[test]
fn what_is_there_already_conflicts() {
    let house = House::furnished();
    let admin = house.admin();
    admin.post("/domains", json!({"domain": "house.test"})).problem(409);
    admin
        .post("/users", json!({"address": "ALICE@house.test", "password": PASSWORD}))
        .problem(409);
    admin.delete("/domains/house.test").problem(409);
    admin.get("/users/nobody@house.test").problem(404);
    let status = admin
        .post("/users", json!({"address": "x@elsewhere.test", "password": PASSWORD}))
        .status;
    assert!((400..500).contains(&status), "a user of a domain that is not ours: {status}");
}

#[test]
fn an_unknown_field_is_refused_by_its_name() {
    let house = House::furnished();
    let problem = house
        .admin()
        .post("/domains", json!({"domain": "x.test", "flavour": "sweet"}))
        .problem(422);
    assert!(problem.to_string().contains("flavour"), "{problem}");
    let problem = house.admin().post("/users", json!({"address": 7})).problem(422);
    assert!(problem.to_string().contains("address"), "{problem}");
}

#[test]
fn nobody_without_a_token_and_no_user_as_administrator() {
    let house = House::furnished();
    house.anonymous().get("/domains").problem(401);
    house.anonymous().with_token("nonsense").get("/domains").problem(401);
    house
        .anonymous()
        .post("/auth/login", json!({"username": "admin", "password": "wrong"}))
        .problem(401);
    let alice = Rest::login(house.address("http"), "alice@house.test", PASSWORD);
    alice.post("/domains", json!({"domain": "mine.test"})).problem(403);
    let theirs = alice.get("/users/bob@house.test/messages").status;
    assert!([403, 404].contains(&theirs), "{theirs}");
    alice.get("/users/alice@house.test/messages").ok();
}

#[test]
fn lists_come_in_pages() {
    let house = House::furnished();
    for name in ["u1", "u2", "u3"] {
        house.user(&format!("{name}@house.test"));
    }
    let admin = house.admin();
    let (mut seen, mut path) = (Vec::new(), "/users?domain=house.test&limit=2".to_owned());
    loop {
        let page = admin.get(&path).ok();
        seen.extend(addresses(&page, "address"));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/users?domain=house.test&limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let names = ["alice", "bob", "u1", "u2", "u3"].map(|name| format!("{name}@house.test"));
    assert_eq!(seen, names);
}

#[test]
fn an_api_key_works_until_it_is_removed() {
    let house = House::furnished();
    let admin = house.admin();
    let made = admin.post("/api-keys", json!({"name": "panel", "role": "server_admin"})).ok();
    let secret = made["key"].as_str().expect("the secret is shown once").to_owned();
    assert!(secret.starts_with("phk_"), "{made}");
    let panel = house.anonymous().with_token(&secret);
    panel.get("/domains/house.test").ok();
    let id = made["id"].as_str().expect("an id");
    admin.delete(&format!("/api-keys/{id}")).ok();
    panel.get("/domains/house.test").problem(401);
}

#[test]
fn mail_is_read() {
    let house = House::furnished();
    let path = format!("{}/tests/transcripts/mail/multipart.eml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a message");
    house.smtp().send("ada@client.test", &["alice@house.test"], &text).expect(250);
    let alice = Rest::login(house.address("http"), "alice@house.test", PASSWORD);
    let mailboxes = alice.get("/users/alice@house.test/mailboxes").ok();
    assert!(addresses(&mailboxes, "name").contains(&"INBOX".to_owned()), "{mailboxes}");
    let list = alice.get("/users/alice@house.test/messages").ok();
    let items = list["items"].as_array().expect("items");
    assert_eq!(items.len(), 1, "{list}");
    assert_eq!(items[0]["subject"], "two parts and a file", "{list}");
    let id = items[0]["id"].as_str().expect("an id");
    let message = alice.get(&format!("/users/alice@house.test/messages/{id}")).ok();
    assert!(message.to_string().contains("Grüße"), "{message}");
    let raw = alice.get(&format!("/users/alice@house.test/messages/{id}/raw"));
    assert!(raw.status == 200 && raw.text.contains("This is the preamble."), "{raw:?}");
    let attachments = message["attachments"].as_array().expect("attachments");
    let number = &attachments.iter().find(|it| it["name"] == "data.bin").expect("data.bin")["n"];
    let attachment = alice.get(&format!("/users/alice@house.test/messages/{id}/attachments/{number}"));
    assert_eq!(
        (attachment.status, attachment.text.as_bytes()),
        (200, &[0, 1, 2, 3, 4, 5, 6, 7][..])
    );
}

#[test]
fn the_document_is_the_committed_one() {
    let house = House::furnished();
    let committed = include_str!("../../openapi/posthouse.json");
    let served = house.anonymous().get("/openapi.json").ok();
    let committed: Value = serde_json::from_str(committed).expect("JSON");
    assert_eq!(served, committed, "run `posthouse openapi > openapi/posthouse.json`");
}

/// utoipa collects only what it is told of: every reference of the document must lead somewhere.
#[test]
fn every_reference_of_the_document_resolves() {
    let document: Value = serde_json::from_str(include_str!("../../openapi/posthouse.json")).expect("JSON");
    let text = document.to_string();
    for (at, mark) in text.match_indices("\"$ref\":\"#") {
        let rest = &text[at + mark.len()..];
        let pointer = &rest[..rest.find('"').expect("an end")];
        assert!(document.pointer(pointer).is_some(), "#{pointer} leads nowhere");
    }
}

#[test]
fn the_pages_of_the_server_are_there() {
    let house = House::furnished();
    let guest = house.anonymous();
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(guest.get(path).status, 200, "{path}");
    }
    let docs = guest.get("/docs/");
    assert!(docs.status == 200 && docs.kind.starts_with("text/html"), "{docs:?}");
    assert!(
        !docs.text.contains("https://") || !docs.text.contains("cdn"),
        "the assets come from here"
    );
}
