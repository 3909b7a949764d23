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

/// Sessions of alice, one of each kind.
struct Sessions {
    imap: Line,
    idling: Line,
    pop3: Line,
    smtp: Smtp,
}

fn sessions(house: &House) -> Sessions {
    let imap = |then: &str| {
        let mut line = Line::connect_tls(house.address("imaps"));
        line.line();
        line.say(&format!("a LOGIN alice@house.test {PASSWORD}"));
        assert!(line.line().starts_with("a OK"));
        line.say(then);
        line.line();
        line
    };
    let mut pop3 = Line::connect_tls(house.address("pop3s"));
    for command in ["", "USER alice@house.test", &format!("PASS {PASSWORD}")] {
        if !command.is_empty() {
            pop3.say(command);
        }
        assert!(pop3.line().starts_with("+OK"));
    }
    let mut smtp = house.submission("alice@house.test");
    smtp.command("MAIL FROM:<alice@house.test>").expect(250);
    Sessions {
        imap: imap("b NOOP"),
        idling: imap("b IDLE"),
        pop3,
        smtp,
    }
}

impl Sessions {
    /// All of them are over, each in its own words.
    fn are_over(mut self) {
        for line in [&mut self.imap, &mut self.idling] {
            assert!(line.line().starts_with("* BYE [AUTHORIZATIONFAILED] "), "{}", line.said());
            assert!(line.is_closed());
        }
        // These hear of it at their next command. What they are waiting for is the same moment as for IMAP.
        self.smtp.command("RCPT TO:<bob@house.test>").expect(421);
        self.pop3.say("STAT");
        assert!(self.pop3.line().starts_with("-ERR [AUTH] "), "{}", self.pop3.said());
        assert!(self.pop3.is_closed() && self.smtp.line().is_closed());
    }
}

#[test]
fn sessions_end_when_their_account_is_changed() {
    let house = House::furnished();
    let admin = house.admin();
    let bystander = &mut house.imap("bob@house.test");

    let open = sessions(&house);
    admin.put("/users/alice@house.test/password", json!({"password": PASSWORD})).ok();
    open.are_over();

    let open = sessions(&house);
    admin.patch("/users/alice@house.test", json!({"enabled": false})).ok();
    open.are_over();
    admin.patch("/users/alice@house.test", json!({"enabled": true})).ok();

    // Another process, as another node would be.
    let open = sessions(&house);
    assert!(house.command(&["user", "disable", "alice@house.test"]).status.success());
    open.are_over();
    assert!(house.command(&["user", "enable", "alice@house.test"]).status.success());

    let open = sessions(&house);
    admin.delete("/users/alice@house.test").ok();
    open.are_over();

    // Changes that concern nobody's login end nothing.
    admin
        .patch("/users/bob@house.test", json!({"display_name": "Bob", "quota_bytes": 1_000_000}))
        .ok();
    assert!(house.command(&["domain", "add", "other.test"]).status.success());
    bystander.ok("NOOP");
}

#[test]
fn a_message_of_an_account_that_was_just_disabled_is_not_taken() {
    let house = House::furnished();
    let mut imap = Line::connect_tls(house.address("imaps"));
    imap.line();
    imap.say(&format!("a LOGIN alice@house.test {PASSWORD}"));
    imap.line();
    let mut smtp = house.submission("alice@house.test");
    smtp.envelope("alice@house.test", &["bob@house.test"]).expect(354);
    smtp.send_raw(b"From: alice@house.test\r\n\r\nHello");
    house.admin().patch("/users/alice@house.test", json!({"enabled": false})).ok();
    assert!(imap.line().starts_with("* BYE"));
    smtp.send_raw(b".\r\n.\r\n");
    smtp.reply().expect(421);
    assert!(house.inbox("bob@house.test").is_empty());
}
