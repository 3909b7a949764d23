//! Who gets in, whatever protocol they come by.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::house::{Builder, House, PASSWORD};
use crate::support::line::Line;
use crate::support::smtp::Smtp;

/// A listener of each protocol that people log in by.
const PROTOCOLS: [&str; 4] = ["imaps", "pop3s", "submissions", "http"];

/// Tries to log in; gives whether it was let in, and the answer.
fn try_login(house: &House, listener: &str, login: &str, password: &str) -> (bool, String) {
    if listener == "http" {
        let answer = house
            .anonymous()
            .post("/auth/login", json!({"username": login, "password": password}));
        return (answer.status == 200, format!("{} {}", answer.status, answer.text));
    }
    if listener == "submissions" {
        let reply = Smtp::connect_tls(house.address(listener)).login(login, password);
        return (reply.code == 235, format!("{reply:?}"));
    }
    let mut line = Line::connect_tls(house.address(listener));
    line.line();
    let answer = if listener == "imaps" {
        line.say(&format!("a LOGIN {login} {password}"));
        line.line()
    } else {
        line.say(&format!("USER {login}"));
        line.line();
        line.say(&format!("PASS {password}"));
        line.line()
    };
    (answer.starts_with("a OK") || answer.starts_with("+OK"), answer)
}

#[test]
fn failed_logins_slow_every_protocol_alike() {
    let house = Builder::default()
        .set("auth.free_failures_per_address", 4)
        .set("auth.max_failure_delay_seconds", 1)
        .start();
    house.provision();
    // An address that alice is known at: hers is never slow, whatever others do there.
    assert!(try_login(&house, "imaps", "alice@house.test", PASSWORD).0);
    for (n, listener) in PROTOCOLS.iter().enumerate() {
        let (let_in, answer) = try_login(&house, listener, "bob@house.test", &format!("guess-{n}"));
        assert!(!let_in, "{listener}: {answer}");
    }
    // A user that there is not counts like one that there is.
    assert!(!try_login(&house, "imaps", "nobody@house.test", "guess").0);
    for listener in PROTOCOLS {
        let began = Instant::now();
        let (let_in, answer) = try_login(&house, listener, "bob@house.test", "another-guess");
        assert!(!let_in, "{listener}: {answer}");
        assert!(began.elapsed() >= Duration::from_secs(1), "{listener} answered at once");
    }
    for listener in PROTOCOLS {
        let (let_in, answer) = try_login(&house, listener, "alice@house.test", PASSWORD);
        assert!(let_in, "{listener}: {answer}");
    }
    // Slow is not shut.
    assert!(try_login(&house, "imaps", "bob@house.test", PASSWORD).0);
}

#[test]
fn too_many_slowed_logins_of_an_address_are_told_to_come_later() {
    let house = Builder::default()
        .set("auth.free_failures_per_address", 0)
        .set("auth.max_failure_delay_seconds", 300)
        .set("auth.max_delayed_per_address", 1)
        .start();
    house.provision();
    // Each of these waits longer than the one before; the first that is still waiting keeps the others out.
    let mut waiting = Vec::new();
    let refused = (0..100).find_map(|n| {
        let mut line = Line::connect_tls(house.address("imaps"));
        line.line();
        line.say(&format!("a LOGIN bob@house.test guess-{n}"));
        let mut other = Line::connect_tls(house.address("pop3s"));
        other.line();
        other.say("USER bob@house.test");
        other.line();
        other.say(&format!("PASS guess-{n}"));
        let answer = other.line();
        waiting.push(line);
        answer.contains("[SYS/TEMP]").then_some(answer)
    });
    assert!(refused.is_some(), "nobody was told to come later");
}
