//! No operation of the document can be used by someone without the right: each is tried with no key, with another domain's, and as a user
//! who is not meant.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::house::{House, PASSWORD};
use crate::support::rest::Rest;

/// What another domain's administrator may ask, and gets nothing of ours by.
const OF_ANY_DOMAIN: &[&str] = &[
    "list_domains",
    "list_users",
    "list_aliases",
    "list_logins",
    "list_audit_log",
    "list_dmarc_reports",
    "list_tls_reports",
    "list_events",
    "list_webhooks",
    "batch_users",
    "batch_aliases",
];

struct Operation {
    id: String,
    method: Method,
    path: String,
    body: Option<(String, String)>,
}

/// Every operation that asks who is calling, about things of house.test.
fn operations(document: &Value, names: &BTreeMap<&str, String>) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if operation["security"] == json!([{}]) {
                continue;
            }
            all.push(Operation {
                id: operation["operationId"].as_str().expect("an id").to_owned(),
                method: method.to_uppercase().parse().expect("a method"),
                path: filled(path, names),
                body: body(document, &operation["requestBody"]["content"]),
            });
        }
    }
    all
}

fn filled(path: &str, names: &BTreeMap<&str, String>) -> String {
    let mut filled = path.strip_prefix("/api/v1").expect("the base").to_owned();
    // A name is looked for by its collection first: an alias has an address too.
    for (name, value) in names.iter().rev() {
        filled = match name.split_once('/') {
            Some((collection, parameter)) => filled.replace(&format!("/{collection}/{{{parameter}}}"), &format!("/{collection}/{value}")),
            None => filled.replace(&format!("{{{name}}}"), value),
        };
    }
    filled
}

/// The example of the first media type.
fn body(document: &Value, content: &Value) -> Option<(String, String)> {
    let (media, described) = content.as_object()?.iter().next()?;
    let schema = &described["schema"];
    let resolved = schema["$ref"]
        .as_str()
        .and_then(|pointer| document.pointer(&pointer[1..]))
        .unwrap_or(schema);
    let example = match &resolved["type"] {
        kind if kind == "array" => json!([]),
        _ => resolved["example"].clone(),
    };
    let text = if example.is_null() { "x".to_owned() } else { example.to_string() };
    Some((media.clone(), text))
}

fn ask(caller: &Rest, operation: &Operation) -> (u16, String) {
    let media = operation.body.as_ref().map(|(media, _)| ("content-type", media.as_str()));
    let octets = operation.body.as_ref().map(|(_, text)| text.as_bytes().to_vec());
    let reply = caller.send(operation.method.clone(), &operation.path, media.as_slice(), octets);
    (reply.status, reply.text)
}

#[test]
fn no_operation_is_open_to_those_without_the_right() {
    let house = House::furnished();
    let admin = house.admin();
    admin.put("/domains/other.test", json!({})).ok();
    house.alias("info@house.test", &["alice@house.test"]);
    house
        .smtp()
        .send("ada@client.test", &["alice@house.test"], "Subject: x\n\nx\n")
        .expect(250);
    let key = admin.post("/domains/house.test/dkim-keys", json!({"algorithm": "ed25519"})).ok();
    let first = |path: &str| admin.get(path).ok()["items"][0]["id"].as_str().expect("an id").to_owned();
    let made = admin.post("/api-keys", json!({"name": "other", "domains": ["other.test"]})).ok();
    let names = BTreeMap::from([
        ("domain", "house.test".to_owned()),
        ("address", "alice@house.test".to_owned()),
        ("aliases/address", "info@house.test".to_owned()),
        ("selector", key["selector"].as_str().expect("a selector").to_owned()),
        ("mailbox_id", first("/users/alice@house.test/mailboxes")),
        ("message_id", first("/users/alice@house.test/messages")),
        ("n", "0".to_owned()),
        ("id", made["id"].as_str().expect("an id").to_owned()),
        ("queue_id", made["id"].as_str().expect("an id").to_owned()),
    ]);
    let document = admin.get("/openapi.json").ok();
    let nobody = house.anonymous();
    let elsewhere = house.anonymous().with_token(made["key"].as_str().expect("a key"));
    let bob = Rest::login(house.address("http"), "bob@house.test", PASSWORD);
    let operations = operations(&document, &names);
    assert!(operations.len() > 50);
    let mut wrong = Vec::new();
    for operation in &operations {
        let (status, text) = ask(&nobody, operation);
        if status != 401 {
            wrong.push(format!("{} with no key: {status} {text}", operation.id));
        }
        let (status, text) = ask(&bob, operation);
        if ![403, 404].contains(&status) {
            wrong.push(format!("{} as bob: {status} {text}", operation.id));
        }
        let (status, text) = ask(&elsewhere, operation);
        let right = match OF_ANY_DOMAIN.contains(&operation.id.as_str()) {
            true => status == 200 && !text.contains("house.test"),
            false => [403, 404].contains(&status),
        };
        if !right {
            wrong.push(format!("{} with another domain's key: {status} {text}", operation.id));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What a key may do is what its scope says: with one that covers nothing of an operation, it is refused, whatever the role.
#[test]
fn a_key_without_the_scope_is_refused_by_every_operation() {
    let house = House::furnished();
    let admin = house.admin();
    let document = admin.get("/openapi.json").ok();
    let key = |scope: &str| {
        let made = admin.post("/api-keys", json!({"name": scope, "scopes": [scope]})).ok();
        house.anonymous().with_token(made["key"].as_str().expect("a key"))
    };
    let keys = [("queue:read", key("queue:read")), ("audit:read", key("audit:read"))];
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let Some(scope) = operation["security"][0]["bearer"][0].as_str() else {
                continue;
            };
            let (_, caller) = keys.iter().find(|(own, _)| *own != scope).expect("a key");
            let operation = Operation {
                id: String::new(),
                method: method.to_uppercase().parse().expect("a method"),
                path: path.strip_prefix("/api/v1").expect("the base").replace(['{', '}'], ""),
                body: body(&document, &operation["requestBody"]["content"]),
            };
            let (status, text) = ask(caller, &operation);
            assert!(status == 403 && text.contains(scope), "{method} {path}: {status} {text}");
        }
    }
}
