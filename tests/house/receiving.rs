//! Mail from outside finds its way: users, aliases, catch-all, details, other names of a domain.

use std::os::unix::fs::MetadataExt;

use serde_json::json;

use crate::support::house::{Builder, House, PASSWORD};
use crate::support::maildir;
use crate::support::smtp::Smtp;

const LETTER: &str = "From: ada@client.test\nSubject: a letter\n\nHello.\n";

fn deliver(house: &House, to: &[&str]) {
    house.smtp().send("ada@client.test", to, LETTER).expect(250);
}

#[test]
fn aliases_lead_to_their_users() {
    let house = House::furnished();
    house.alias("info@house.test", &["alice@house.test", "team@house.test"]);
    house.alias("team@house.test", &["bob@house.test"]);
    deliver(&house, &["Info@House.Test"]);
    assert_eq!(house.inbox("alice@house.test").len(), 1);
    assert_eq!(house.inbox("bob@house.test").len(), 1);
}

#[test]
fn catch_all_takes_what_nobody_has() {
    let house = House::furnished();
    house.alias("@house.test", &["bob@house.test"]);
    deliver(&house, &["anything@house.test"]);
    deliver(&house, &["alice@house.test"]);
    assert_eq!(house.inbox("bob@house.test").len(), 1);
    assert_eq!(house.inbox("alice@house.test").len(), 1);
}

#[test]
fn a_detail_belongs_to_its_user() {
    let house = House::furnished();
    deliver(&house, &["alice+shop@house.test"]);
    let text = maildir::text(&house.inbox("alice@house.test")[0]);
    assert!(
        text.contains("alice+shop@house.test"),
        "the address as it was written is in the message:\n{text}"
    );
}

#[test]
fn a_domain_may_have_other_names() {
    let house = House::furnished();
    house
        .admin()
        .post("/domains", json!({"domain": "other.test", "alias_of": "house.test"}))
        .ok();
    deliver(&house, &["alice@other.test"]);
    assert_eq!(house.inbox("alice@house.test").len(), 1);
    house.smtp().send("ada@client.test", &["nobody@other.test"], LETTER).expect(550);
}

#[test]
fn aliases_in_a_circle_are_refused() {
    let house = House::furnished();
    house.alias("a@house.test", &["b@house.test"]);
    // The second half of the circle may be refused here already, or else at RCPT.
    let made = house
        .admin()
        .post("/aliases", json!({"address": "b@house.test", "destinations": ["a@house.test"]}));
    let reply = house.smtp().envelope("ada@client.test", &["a@house.test"]);
    assert!(reply.code >= 500, "the API said {made:?}, RCPT {reply:?}");
}

#[test]
fn two_recipients_share_one_file() {
    let house = House::furnished();
    house
        .smtp()
        .send("ada@client.test", &["alice@house.test", "bob@house.test"], LETTER)
        .expect(250);
    let metadata = |user: &str| house.inbox(user)[0].metadata().expect("a file");
    let (alice, bob) = (metadata("alice@house.test"), metadata("bob@house.test"));
    assert_eq!((alice.ino(), alice.nlink()), (bob.ino(), 2), "one file with two names");
}

#[test]
fn disabled_users_neither_get_mail_nor_log_in() {
    let house = House::furnished();
    house.admin().patch("/users/bob@house.test", json!({"enabled": false})).ok();
    let reply = house.smtp().envelope("ada@client.test", &["bob@house.test"]);
    assert!(reply.code >= 400, "{reply:?}");
    let mut smtp = Smtp::connect_tls(house.address("submissions"));
    smtp.login("bob@house.test", PASSWORD).expect(535);
    house.admin().patch("/users/bob@house.test", json!({"enabled": true})).ok();
    deliver(&house, &["bob@house.test"]);
}

#[test]
fn a_full_mailbox_is_told_at_once() {
    let house = House::furnished();
    house.admin().patch("/users/bob@house.test", json!({"quota_messages": 1})).ok();
    deliver(&house, &["bob@house.test"]);
    house.smtp().send("ada@client.test", &["bob@house.test"], LETTER).expect(452);
    assert_eq!(house.inbox("bob@house.test").len(), 1);
    let status = house.imap("bob@house.test").append("Sent", b"a: b\r\n\r\n");
    assert!(status.starts_with("NO [OVERQUOTA]"), "{status}");
}

#[test]
fn a_removed_user_is_unknown_at_once() {
    let house = House::furnished();
    deliver(&house, &["bob@house.test"]);
    house.admin().delete("/users/bob@house.test").ok();
    house.smtp().send("ada@client.test", &["bob@house.test"], LETTER).expect(550);
}

#[test]
fn connections_of_one_address_are_bounded() {
    let house = Builder::default().set("limits.max_connections_per_address", 2).start();
    let _first = house.smtp();
    let mut second = house.smtp();
    let mut third = crate::support::line::Line::connect(house.address("smtp"));
    // It may be told why, but it is not served.
    let said = third.try_line();
    assert!(
        said.is_err() || said.is_ok_and(|line| line.starts_with(b"421")),
        "the third is served"
    );
    second.command("NOOP").expect(250);
}

#[test]
fn a_silent_client_is_shown_out() {
    let house = Builder::default().set("smtp.command_timeout_seconds", 1).start();
    let mut smtp = house.smtp();
    smtp.reply().expect(421);
    assert!(smtp.line().is_closed());
}
