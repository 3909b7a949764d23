//! Mail over the REST API: mailboxes, messages, sending, waiting.

mod mailboxes;
mod messages;
mod sending;
mod waiting;

use serde_json::Value;

use crate::support::house::{House, PASSWORD};
use crate::support::rest::Rest;

/// What belongs to alice.
const ALICE: &str = "/users/alice@house.test";

fn alice(house: &House) -> Rest {
    Rest::login(house.address("http"), "alice@house.test", PASSWORD)
}

/// Puts a message into a mailbox of alice; its id.
fn import(alice: &Rest, query: &str, message: &str) -> String {
    let made = alice.post_raw(&format!("{ALICE}/messages{query}"), "message/rfc822", message.as_bytes());
    let shown = made.ok();
    assert_eq!(made.status, 201);
    id(&shown)
}

fn id(shown: &Value) -> String {
    shown["id"].as_str().unwrap_or_else(|| panic!("{shown} has no id")).to_owned()
}

/// One field of each item of a list.
fn each(list: &Value, field: &str) -> Vec<String> {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("{list} has no items"));
    let text = |item: &Value| match &item[field] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    items.iter().map(text).collect()
}

/// The id of a mailbox of alice by its name.
fn mailbox(alice: &Rest, name: &str) -> String {
    let list = alice.get(&format!("{ALICE}/mailboxes")).ok();
    let found = list["items"].as_array().expect("items").iter().find(|it| it["name"] == name);
    id(found.unwrap_or_else(|| panic!("there is no {name} in {list}")))
}
