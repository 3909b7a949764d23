//! Sending: as JSON and as it is, by the rules of submission.

use std::fs;

use serde_json::{Value, json};

use super::{ALICE, alice, each, import};
use crate::support::house::{Builder, House, PASSWORD};
use crate::support::maildir;
use crate::support::rest::Rest;

fn submissions() -> String {
    format!("{ALICE}/submissions")
}

fn text(house: &House, address: &str) -> String {
    maildir::text(&house.wait_for_inbox(address, 1)[0])
}

#[test]
fn a_message_is_made_of_json_and_sent() {
    let house = House::furnished();
    house.user("carol@house.test");
    let alice = alice(&house);
    let sent = alice.post(
        &submissions(),
        json!({
            "from": {"name": "Älice", "address": "alice@house.test"},
            "to": [{"name": "Bob", "address": "bob@house.test"}], "bcc": [{"address": "carol@house.test"}],
            "subject": "Grüße", "text": "Hello\nBob\n", "html": "<p>Hello</p>", "save_to": "Sent",
            "headers": [{"name": "X-Campaign", "value": "spring"}], "in_reply_to": "<0@far.test>",
            "attachments": [{"name": "data.bin", "content": "AAECAwQF\nBgc="}]
        }),
    );
    let shown = sent.ok();
    assert_eq!(sent.status, 201);
    assert!(shown.get("queue_id").is_none(), "{shown}");
    let states = |shown: &Value| -> Vec<String> {
        let recipients = shown["recipients"].as_array().expect("recipients");
        recipients
            .iter()
            .map(|it| format!("{} {}", it["address"].as_str().unwrap(), it["state"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(states(&shown), ["bob@house.test delivered", "carol@house.test delivered"]);

    let raw = text(&house, "bob@house.test");
    assert!(!raw.contains("carol") && raw.contains("X-Campaign: spring"), "{raw}");
    assert!(text(&house, "carol@house.test").contains("X-Campaign: spring"));
    let bob = Rest::login(house.address("http"), "bob@house.test", PASSWORD);
    let got = &bob.get("/users/bob@house.test/messages").ok()["items"][0];
    assert_eq!((&got["subject"], &got["message_id"]), (&json!("Grüße"), &shown["message_id"]));
    assert_eq!(got["from"], json!([{"name": "Älice", "address": "alice@house.test"}]));
    let path = format!("/users/bob@house.test/messages/{}", got["id"].as_str().unwrap());
    let got = bob.get(&path).ok();
    assert_eq!((&got["text"], &got["html"]), (&json!("Hello\r\nBob\r\n"), &json!("<p>Hello</p>")));
    assert_eq!(
        (&got["in_reply_to"], &got["references"]),
        (&json!(["0@far.test"]), &json!(["0@far.test"]))
    );
    assert_eq!(
        bob.get(&format!("{path}/attachments/1")).text.into_bytes(),
        (0..8).collect::<Vec<u8>>()
    );

    let copy = alice
        .get(&format!("{ALICE}/messages/{}", shown["saved_message_id"].as_str().unwrap()))
        .ok();
    assert_eq!(
        (&copy["mailbox"], &copy["seen"], &copy["message_id"]),
        (&json!("Sent"), &json!(true), &shown["message_id"])
    );
    assert_eq!(copy["bcc"], json!([{"address": "carol@house.test"}]));
    let later = alice.get(sent.headers["location"].strip_prefix("/api/v1").unwrap()).ok();
    assert_eq!((states(&later), &later["message_id"]), (states(&shown), &shown["message_id"]));
    bob.get(&format!("/users/bob@house.test/submissions/{}", shown["id"].as_str().unwrap()))
        .problem(404);
    alice.get(&format!("{}/0000000000007", submissions())).problem(404);
}

#[test]
fn what_goes_elsewhere_waits_in_the_queue() {
    let house = House::furnished();
    let alice = alice(&house);
    let body = json!({"to": [{"address": "x@far.test"}, {"address": "bob@house.test"}], "text": "x"});
    let shown = alice.post(&submissions(), body).ok();
    assert_eq!(shown["queue_id"], shown["id"]);
    let queued = house.admin().get(&format!("/queue/{}", shown["queue_id"].as_str().unwrap())).ok();
    assert_eq!(
        (&queued["sender"], &queued["recipients"][0]["address"]),
        (&json!("alice@house.test"), &json!("x@far.test"))
    );
    let later = alice.get(&format!("{}/{}", submissions(), shown["id"].as_str().unwrap())).ok();
    let state = |at: usize| later["recipients"][at]["state"].as_str().unwrap().to_owned();
    assert!(
        ["queued", "deferred"].contains(&state(0).as_str()) && state(1) == "delivered",
        "{later}"
    );
    house.admin().delete(&format!("/queue/{}", shown["id"].as_str().unwrap())).ok();
    let later = alice.get(&format!("{}/{}", submissions(), shown["id"].as_str().unwrap())).ok();
    assert_eq!(later["recipients"][0]["state"], "failed", "{later}");
}

#[test]
fn a_message_is_sent_as_it_is() {
    let house = House::furnished();
    let alice = alice(&house);
    let message = "From: alice@house.test\nTo: bob@house.test\nBcc: secret@house.test\nSubject: raw\n\nÜber alles\n";
    let path = format!("{}?recipients=bob@house.test&save_to=Sent", submissions());
    let shown = alice.post_raw(&path, "message/rfc822", message.as_bytes()).ok();
    let raw = text(&house, "bob@house.test");
    let id = shown["message_id"].as_str().expect("one was made");
    assert!(
        raw.contains(&format!("Message-ID: <{id}>")) && raw.contains("\nDate: ") && !raw.contains("secret"),
        "{raw}"
    );
    let copy = maildir::messages(&house.maildir("alice@house.test").join(".Sent"));
    let octets = fs::read(&copy[0]).expect("a copy");
    let copy = String::from_utf8(octets).expect("UTF-8");
    assert!(
        copy.contains(&format!("Message-ID: <{id}>\r\n")) && copy.contains("Bcc: secret@house.test\r\n"),
        "{copy}"
    );
    assert!(copy.contains("Date: ") && !copy.replace("\r\n", "").contains('\n'), "{copy}");

    let named = "From: alice@house.test\nTo: Bob <bob@house.test>,\n alice@house.test\n\nx\n";
    let shown = alice.post_raw(&submissions(), "message/rfc822", named.as_bytes()).ok();
    assert_eq!(shown["recipients"].as_array().map(Vec::len), Some(2));
    for (path, message) in [
        (submissions(), "To: bob@house.test\n\nx\n"),
        (submissions(), "From: alice@house.test\n\nx\n"),
        (submissions(), "From: alice@house.test\nTo: bob@house.test\n\na\rb\n"),
        (submissions(), ""),
    ] {
        alice.post_raw(&path, "message/rfc822", message.as_bytes()).problem(422);
    }
    alice.post_raw(&submissions(), "text/plain", b"x").problem(415);
    alice
        .post_raw(&format!("{}?recipients=x", submissions()), "message/rfc822", message.as_bytes())
        .problem(400);
    alice
        .post(
            &format!("{}?save_to=Sent", submissions()),
            json!({"to": [{"address": "bob@house.test"}]}),
        )
        .problem(400);
}

#[test]
fn a_message_that_is_sent_twice_under_one_key_is_sent_once() {
    let house = House::furnished();
    let once = alice(&house).with_header("Idempotency-Key", "k1");
    let message = b"From: alice@house.test\nTo: bob@house.test\n\nx\n";
    let first = once.post_raw(&submissions(), "message/rfc822", message);
    let again = once.post_raw(&submissions(), "message/rfc822", message);
    assert_eq!((first.ok(), again.header("idempotency-replayed").as_str()), (again.ok(), "true"));
    assert_eq!(house.wait_for_inbox("bob@house.test", 1).len(), 1);
    once.post(&submissions(), json!({"to": [{"address": "bob@house.test"}]}))
        .problem(422);
}

#[test]
fn the_rules_of_submission_hold() {
    let house = Builder::default()
        .set("submission.messages_per_hour", 2)
        .set("smtp.max_recipients", 3)
        .start();
    house.provision();
    let alice = alice(&house);
    let to = |addresses: &[&str]| -> Value { addresses.iter().map(|address| json!({"address": address})).collect() };
    let post = |body: Value| alice.post(&submissions(), body);
    post(json!({"from": {"address": "bob@house.test"}, "to": to(&["bob@house.test"])})).problem(403);
    let problem =
        post(json!({"to": to(&["bob@house.test"]), "cc": to(&["bob@house.test", "nobody@house.test"]), "save_to": "Sent"})).problem(422);
    assert_eq!(problem["field"], "cc[1].address", "{problem}");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("nobody@house.test")),
        "{problem}"
    );
    assert!(house.inbox("bob@house.test").is_empty(), "all or none");
    assert_eq!(
        each(&alice.get(&format!("{ALICE}/messages?mailbox=Sent")).ok(), "id"),
        [""; 0],
        "nor a copy"
    );
    let many: Vec<String> = (0..4).map(|number| format!("x{number}@far.test")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    post(json!({"to": to(&many)})).problem(422);
    let raw = b"From: bob@house.test\nTo: bob@house.test\n\nx\n";
    alice
        .post_raw(&format!("{}?sender=alice@house.test", submissions()), "message/rfc822", raw)
        .problem(403);

    post(json!({"to": to(&["bob@house.test"]), "save_to": "Nowhere"})).problem(404);
    assert!(house.inbox("bob@house.test").is_empty());
    post(json!({"to": to(&["bob@house.test"])})).ok();
    post(json!({"to": to(&["bob@house.test"])})).ok();
    post(json!({"to": to(&["bob@house.test"]), "save_to": "Sent"})).problem(429);
    assert_eq!(house.wait_for_inbox("bob@house.test", 2).len(), 2);
    assert!(
        maildir::messages(&house.maildir("alice@house.test").join(".Sent")).is_empty(),
        "what did not go out is not kept"
    );
}

#[test]
fn large_bodies_are_bounded() {
    let house = Builder::default()
        .set("http.max_submission_json_bytes", 20_000)
        .set("http.large_body_bytes", 10_240)
        .start();
    house.provision();
    let alice = alice(&house);
    let body = |size: usize| json!({"to": [{"address": "bob@house.test"}], "text": "x".repeat(size)});
    alice.post(&submissions(), body(5_000)).ok();
    alice.post(&submissions(), body(15_000)).problem(503);
    alice.post(&submissions(), body(25_000)).problem(413);
    alice.post(&submissions(), body(5_000)).ok();
    import(&alice, "", &format!("Subject: x\n\n{}\n", "x".repeat(30_000)));
}
