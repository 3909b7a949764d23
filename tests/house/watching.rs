//! Watching the server: the numbers for Prometheus.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::house::{Builder, House, PASSWORD};
use crate::support::rest::Rest;
use crate::support::wait::until;

/// The numbers of a house, by name and labels as they are written.
fn numbers(house: &House) -> BTreeMap<String, f64> {
    let shown = house.anonymous().get("/metrics");
    assert_eq!(
        (shown.status, shown.kind.as_str()),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    let samples = shown.text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        (name.to_owned(), value.parse().expect("a number"))
    };
    samples.map(sample).collect()
}

/// Waits until these numbers are shown.
#[track_caller]
fn shows(house: &House, expected: &[(&str, f64)]) {
    let seen = || {
        let numbers = numbers(house);
        let differs = expected.iter().find(|(name, value)| numbers.get(*name) != Some(value));
        differs.map(|(name, value)| format!("{name} is {:?}, not {value}", numbers.get(*name)))
    };
    until(&format!("{expected:?}"), || {
        let differs = seen();
        if let Some(differs) = &differs {
            println!("{differs}");
        }
        differs.is_none().then_some(())
    });
}

fn fresh() -> Builder {
    Builder::default().set("metrics.cache_seconds", 0)
}

#[test]
fn what_happens_is_counted() {
    let house = fresh().start();
    house.provision();
    shows(
        &house,
        &[
            ("posthouse_messages_total{outcome=\"received\"}", 0.0),
            ("posthouse_build_info{version=\"0.1.0\"}", 1.0),
            ("posthouse_database_up", 1.0),
            ("posthouse_entries{kind=\"users\"}", 3.0),
        ],
    );
    house
        .smtp()
        .send("ada@client.test", &["alice@house.test", "bob@house.test"], "Subject: x\n\nx\n")
        .expect(250);
    // Nobody answers questions about names here, so mail to others waits.
    house
        .submission("alice@house.test")
        .send(
            "alice@house.test",
            &["x@elsewhere.test"],
            "From: alice@house.test\nSubject: x\n\nx\n",
        )
        .expect(250);
    shows(
        &house,
        &[
            ("posthouse_messages_total{outcome=\"received\"}", 2.0),
            ("posthouse_messages_total{outcome=\"stored\"}", 2.0),
            ("posthouse_messages_total{outcome=\"queued\"}", 1.0),
            ("posthouse_messages_total{outcome=\"deferred\"}", 1.0),
            ("posthouse_messages_total{outcome=\"bounced\"}", 0.0),
            ("posthouse_delivery_seconds_count{to=\"mailbox\"}", 2.0),
            ("posthouse_stored_messages", 2.0),
            ("posthouse_queue_messages", 1.0),
            ("posthouse_queue_recipients{state=\"waiting\"}", 0.0),
            ("posthouse_queue_recipients{state=\"deferred\"}", 1.0),
            ("posthouse_queue_recipients{state=\"held\"}", 0.0),
            ("posthouse_logins_total{protocol=\"submission\",outcome=\"success\"}", 1.0),
            ("posthouse_connections{protocol=\"smtp\",listener=\"smtp\"}", 0.0),
            ("posthouse_connections_accepted_total{protocol=\"smtp\",listener=\"smtp\"}", 1.0),
        ],
    );
    let numbers = numbers(&house);
    let age = numbers["posthouse_queue_oldest_age_seconds{state=\"deferred\"}"];
    assert!((0.0..60.0).contains(&age), "{age}");
    let now = jiff::Timestamp::now().as_second() as f64;
    assert!(numbers["posthouse_certificate_expiry_timestamp_seconds"] > now);
    assert!((now - 60.0..now + 2.0).contains(&numbers["process_start_time_seconds"]));
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "posthouse_disk_bytes{kind=\"free\"}",
        "posthouse_database_connections_max",
    ] {
        assert!(numbers[name] > 0.0, "{name}");
    }
}

#[test]
fn who_is_here_is_counted() {
    let house = fresh().start();
    house.provision();
    let imap = house.imap("alice@house.test");
    let connections = "posthouse_connections{protocol=\"imap\",listener=\"imaps\"}";
    shows(&house, &[("posthouse_sessions{protocol=\"imap\"}", 1.0), (connections, 1.0)]);
    drop(imap);
    shows(&house, &[("posthouse_sessions{protocol=\"imap\"}", 0.0), (connections, 0.0)]);
    let guess = json!({"username": "alice@house.test", "password": "wrong"});
    house.anonymous().post("/auth/login", guess).problem(401);
    shows(
        &house,
        &[("posthouse_logins_total{protocol=\"api\",outcome=\"wrong_password\"}", 1.0)],
    );
}

#[test]
fn the_numbers_are_for_those_who_may_read_them() {
    let house = House::furnished();
    house
        .anonymous()
        .get_with("/metrics", &[("x-forwarded-for", "192.0.2.1")])
        .problem(401);
    let house = Builder::default()
        .set("metrics.allow_from", vec!["192.0.2.0/24".to_owned()])
        .start();
    house.provision();
    let admin = house.admin();
    let key = |scope: &str| {
        let made = admin.post("/api-keys", json!({"name": scope, "scopes": [scope]})).ok();
        house.anonymous().with_token(made["key"].as_str().expect("a key"))
    };
    house.anonymous().get("/metrics").problem(401);
    house.anonymous().with_token("phk_nonsense").get("/metrics").problem(401);
    Rest::login(house.address("http"), "alice@house.test", PASSWORD)
        .get("/metrics")
        .problem(403);
    key("queue:read").get("/metrics").problem(403);
    assert_eq!(admin.get("/metrics").status, 200);
    let shown = key("server:read").get_with(
        "/metrics",
        &[("accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")],
    );
    assert_eq!(
        (shown.status, shown.kind.as_str()),
        (200, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(shown.text.ends_with("# EOF\n"), "{}", shown.text);
}

#[test]
fn every_line_about_a_message_has_its_id() {
    let house = Builder::default().set("log.format", "json").set("log.level", "debug").start();
    house.provision();
    let reply = house.submission("alice@house.test").send(
        "alice@house.test",
        &["bob@house.test", "x@elsewhere.test"],
        "From: alice@house.test\nSubject: x\n\nx\n",
    );
    reply.expect(250);
    let id = reply.lines.join(" ").rsplit(' ').next().expect("an id").to_owned();
    let lines = || {
        house
            .log()
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect::<Vec<Value>>()
    };
    let of = |message: &str| lines().into_iter().find(|line| line["message"] == message);
    for message in ["message taken", "queued", "put off"] {
        let line = until(message, || of(message));
        let spans = line["spans"].as_array().expect("spans");
        assert!(
            spans.iter().any(|span| span["name"] == "message" && span["id"] == id.as_str()),
            "{line}"
        );
    }
}
