//! Events: what happens to messages, users and domains, as a list and as a stream that goes on where it broke off.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::databases::whole::in_a_thread;
use crate::support::databases::Fresh;
use crate::support::house::{Builder, House, PASSWORD};
use crate::support::rest::Rest;
use crate::support::wait::{PATIENCE, until};

/// A stream of events, read as a client of another kind would: over a socket.
struct Stream {
    lines: BufReader<TcpStream>,
}

impl Stream {
    fn open(house: &House, token: &str, query: &str, last: Option<&str>) -> Self {
        let mut socket = TcpStream::connect(house.address("http")).expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let ask = format!(
            "GET /api/v1/events?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: text/event-stream\r\nAuthorization: Bearer {token}\r\n{last}\r\n"
        );
        socket.write_all(ask.as_bytes()).expect("a request");
        let mut stream = Self {
            lines: BufReader::new(socket),
        };
        let head = stream.until(|line| line.is_empty());
        assert!(head[0].contains(" 200 "), "{head:?}");
        assert!(
            head.iter().any(|line| line.eq_ignore_ascii_case("content-type: text/event-stream")),
            "{head:?}"
        );
        stream.until(|line| line.starts_with("retry:"));
        stream
    }

    fn until(&mut self, is_it: impl Fn(&str) -> bool) -> Vec<String> {
        let mut read = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).expect("a line") > 0, "the stream ended: {read:?}");
            read.push(line.trim_end().to_owned());
            if is_it(line.trim_end()) {
                return read;
            }
        }
    }

    /// The next event: its id, its kind, its document.
    fn next(&mut self) -> (String, String, Value) {
        let lines = self.until(|line| line.starts_with("data: "));
        let field = |name: &str| {
            let line = lines.iter().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name}: {lines:?}")).to_owned()
        };
        let data = serde_json::from_str(&field("data: ")).expect("a document");
        (field("id: "), field("event: "), data)
    }

    fn ends(mut self) {
        let mut rest = Vec::new();
        self.lines.read_to_end(&mut rest).expect("an end, not silence");
    }
}

fn key(house: &House, body: Value) -> (String, String) {
    let made = house.admin().post("/api-keys", body).ok();
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    (text("id"), text("key"))
}

fn list(caller: &Rest, query: &str) -> Vec<Value> {
    caller.get(&format!("/events?{query}")).ok()["items"]
        .as_array()
        .expect("items")
        .clone()
}

/// Waits until as many are there.
fn wait_for(caller: &Rest, query: &str, count: usize) -> Vec<Value> {
    until("events", || Some(list(caller, query)).filter(|found| found.len() >= count))
}

#[test]
fn what_happens_to_messages_and_users_is_listed() {
    let house = House::furnished();
    let admin = house.admin();
    let letter = "From: ada@client.test\nMessage-ID: <1@client.test>\nSubject: x\n\nx\n";
    house.smtp().send("ada@client.test", &["alice@house.test"], letter).expect(250);
    house
        .anonymous()
        .post("/auth/login", json!({"username": "alice@house.test", "password": "wrong-one"}))
        .problem(401);
    admin.patch("/users/bob@house.test", json!({"display_name": "Bob"})).ok();
    let found = wait_for(&admin, "kinds=message.*,login.failed,user.changed", 4);
    let of = |kind: &str| {
        found
            .iter()
            .find(|event| event["kind"] == kind)
            .unwrap_or_else(|| panic!("{kind}: {found:?}"))
    };
    let (received, stored) = (of("message.received"), of("message.stored"));
    assert_eq!(received["data"]["recipients"], json!(["alice@house.test"]));
    assert_eq!(received["data"]["message_id"], "<1@client.test>");
    assert_eq!(
        (&stored["data"]["user"], &stored["domain"]),
        (&json!("alice@house.test"), &json!("house.test"))
    );
    assert_eq!(stored["data"]["id"], received["data"]["id"]);
    admin
        .get(&format!("/traces/{}", stored["data"]["id"].as_str().expect("an id")))
        .ok();
    let failed = of("login.failed");
    assert_eq!(
        (&failed["data"]["outcome"], &failed["data"]["address"]),
        (&json!("wrong_password"), &json!("127.0.0.1"))
    );
    let changed = of("user.changed");
    assert_eq!(
        (&changed["data"]["after"]["display_name"], &changed["data"]["actor"]["name"]),
        (&json!("Bob"), &json!("admin"))
    );
    // Page by page, and on from the last.
    let first = admin.get("/events?limit=2").ok();
    let second = list(&admin, &format!("cursor={}", first["next_cursor"].as_str().expect("a cursor")));
    assert!(second[0]["id"].as_str() != first["items"][1]["id"].as_str());
    assert_eq!(list(&admin, "since=2100-01-01T00:00:00Z").len(), 0);
    admin.get("/events?kinds=message").problem(400);
    admin.get("/events?cursor=x").problem(400);
    Rest::login(house.address("http"), "alice@house.test", PASSWORD)
        .get("/events")
        .problem(403);
}

#[test]
fn outgoing_mail_is_told_to_the_domain_that_sends_it() {
    let routes: toml::Table = [("far.test".to_owned(), "127.0.0.1:9".into())].into_iter().collect();
    let house = Builder::default().set("outbound.routes", routes).start();
    house.provision();
    let letter = "From: alice@house.test\nSubject: out\n\nHello.\n";
    house
        .submission("alice@house.test")
        .send("alice@house.test", &["one@far.test"], letter)
        .expect(250);
    let (_, ours) = key(&house, json!({"name": "ours", "domains": ["house.test"]}));
    let ours = house.anonymous().with_token(&ours);
    let deferred = &wait_for(&ours, "kinds=message.deferred", 1)[0];
    assert_eq!(deferred["data"]["recipients"], json!(["one@far.test"]));
    assert!(deferred["data"]["next_attempt_at"].is_string(), "{deferred}");
    let queued = &list(&ours, "kinds=message.queued")[0];
    assert_eq!(
        (&queued["data"]["id"], &queued["data"]["sender"]),
        (&deferred["data"]["id"], &json!("alice@house.test"))
    );
}

#[test]
fn full_mailboxes_are_told_once_in_a_while() {
    let house = House::furnished();
    let admin = house.admin();
    admin.patch("/users/alice@house.test", json!({"quota_messages": 10})).ok();
    for _ in 0..12 {
        drop(house.smtp().send("ada@client.test", &["alice@house.test"], "Subject: x\n\nx\n"));
    }
    wait_for(&admin, "kinds=quota.exceeded", 1);
    let told = list(&admin, "kinds=quota.*");
    let kinds: Vec<&Value> = told.iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["quota.near", "quota.exceeded"]);
    assert_eq!(
        (&told[1]["data"]["user"], &told[1]["data"]["quota_messages"]),
        (&json!("alice@house.test"), &json!(10))
    );
}

#[test]
fn a_stream_tells_what_happens_and_goes_on_where_it_broke_off() {
    let mut house = House::furnished();
    let admin = house.admin();
    let (id, token) = key(&house, json!({"name": "ear", "scopes": ["events:read"]}));
    let mut stream = Stream::open(&house, &token, "kinds=domain.*", None);
    admin.put("/domains/one.test", json!({})).ok();
    let (first, kind, document) = stream.next();
    assert_eq!(
        (kind.as_str(), &document["domain"], &document["id"]),
        ("domain.created", &json!("one.test"), &json!(first))
    );
    drop(stream);
    for name in ["two", "three"] {
        admin.put(&format!("/domains/{name}.test"), json!({})).ok();
    }
    let mut stream = Stream::open(&house, &token, "kinds=domain.*", Some(&first));
    assert_eq!(
        [stream.next().2, stream.next().2].map(|it| it["domain"].clone()),
        ["two.test", "three.test"]
    );
    // The command line is another process.
    house.command(&["domain", "add", "four.test"]);
    assert_eq!(stream.next().2["domain"], "four.test");
    // Without its key it ends; the one of another goes on until the server stops.
    let (_, other) = key(&house, json!({"name": "other", "domains": ["two.test"]}));
    let mut narrow = Stream::open(&house, &other, "", None);
    admin.delete(&format!("/api-keys/{id}")).ok();
    stream.ends();
    // Meanwhile the server may have closed an idle connection.
    let admin = house.admin();
    admin.patch("/domains/three.test", json!({"description": "x"})).ok();
    admin.patch("/domains/two.test", json!({"description": "x"})).ok();
    assert_eq!(narrow.next().2["domain"], "two.test");
    house.terminate();
    narrow.ends();
}

#[test]
fn a_stream_hears_of_another_node() {
    another_node_is_heard_of(Builder::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_hears_of_another_node_on_postgres() {
    in_a_thread(Fresh::postgres().await, another_node_is_heard_of).await;
}

fn another_node_is_heard_of(builder: Builder) {
    let house = builder.start();
    house.provision();
    let node = house.another_node();
    let (_, token) = key(&house, json!({"name": "ear"}));
    let mut stream = Stream::open(&node, &token, "kinds=message.stored", None);
    house
        .smtp()
        .send("ada@client.test", &["alice@house.test"], "Subject: x\n\nx\n")
        .expect(250);
    assert_eq!(stream.next().2["data"]["user"], "alice@house.test");
}
