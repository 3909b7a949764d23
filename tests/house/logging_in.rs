//! Who gets in, whatever protocol they come by.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::support::house::{Builder, House, PASSWORD};
use crate::support::line::Line;
use crate::support::scram::Scram;
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

/// The listeners with SASL.
const SASL: [&str; 3] = ["imaps", "pop3s", "submissions"];

/// A session that is ready for AUTH.
fn fresh(house: &House, listener: &str) -> Line {
    let mut line = Line::connect_tls(house.address(listener));
    line.line();
    if listener == "submissions" {
        line.say("EHLO client.test");
        while line.line().as_bytes().get(3) == Some(&b'-') {}
    }
    line
}

/// Goes through a SASL exchange; gives the last answer, which has no challenge.
fn exchange(line: &mut Line, listener: &str, mechanism: &str, mut client: impl FnMut(&[u8]) -> Vec<u8>) -> String {
    let command = if listener == "imaps" { "a AUTHENTICATE" } else { "AUTH" };
    line.say(&format!("{command} {mechanism}"));
    loop {
        let answer = line.line();
        let challenge = answer.strip_prefix("334 ").or(answer.strip_prefix("+ "));
        match challenge {
            Some(challenge) => {
                let response = client(&BASE64_STANDARD.decode(challenge).expect("base64"));
                line.say(&BASE64_STANDARD.encode(response));
            }
            None => return answer,
        }
    }
}

fn is_let_in(answer: &str) -> bool {
    ["a OK", "+OK", "235"].iter().any(|yes| answer.starts_with(yes))
}

#[test]
fn scram_proves_both_sides_over_every_protocol() {
    let house = Builder::default()
        .set("auth.scram", true)
        .set("auth.scram_iterations", 4096)
        .set("auth.max_failure_delay_seconds", 0)
        .start();
    house.provision();
    for listener in SASL {
        let try_it = |mechanism: &str, login: &str, password: &str, header: &str, name: Option<[u8; 32]>| {
            let mut line = fresh(&house, listener);
            let name = name.unwrap_or_else(|| line.exporter());
            let named: &[u8] = if header.starts_with('p') { &name } else { b"" };
            let mut client = Scram::new(login, password, header, named);
            exchange(&mut line, listener, mechanism, |challenge| client.answer(challenge))
        };
        let (plain, plus, alice) = ("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "alice@house.test");
        for (mechanism, header) in [(plain, "n,,"), (plus, "p=tls-exporter,,"), (plain, "n,a=alice@house.test,")] {
            let answer = try_it(mechanism, alice, PASSWORD, header, None);
            assert!(is_let_in(&answer), "{listener} {mechanism}: {answer}");
        }
        for (mechanism, login, password, header, name) in [
            (plain, alice, "wrong", "n,,", None),
            (plain, "nobody@house.test", PASSWORD, "n,,", None),
            // Another connection than this one: somebody stands in between.
            (plus, alice, PASSWORD, "p=tls-exporter,,", Some([7; 32])),
            // A client that was told that there is no PLUS.
            (plain, alice, PASSWORD, "y,,", None),
            (plus, alice, PASSWORD, "n,,", None),
            (plus, alice, PASSWORD, "p=tls-unique,,", None),
            (plain, alice, PASSWORD, "n,a=bob@house.test,", None),
        ] {
            let answer = try_it(mechanism, login, password, header, name);
            assert!(!is_let_in(&answer), "{listener} {mechanism} {header}: {answer}");
        }
    }
}

#[test]
fn tokens_of_the_api_log_in() {
    let house = House::furnished();
    let tokens = house
        .anonymous()
        .post("/auth/login", json!({"username": "alice@house.test", "password": PASSWORD}))
        .ok();
    let token = tokens["access_token"].as_str().expect("a token");
    let standard = |name: &str, token: &str| format!("n,{name},\x01host=house.test\x01auth=Bearer {token}\x01\x01").into_bytes();
    let older = |name: &str, token: &str| format!("user={name}\x01auth=Bearer {token}\x01\x01").into_bytes();
    for listener in SASL {
        let try_it = |mechanism: &str, first: &[u8]| {
            let mut refused = Vec::new();
            let answer = exchange(&mut fresh(&house, listener), listener, mechanism, |challenge| {
                if challenge.is_empty() {
                    return first.to_vec();
                }
                refused = challenge.to_vec();
                if mechanism == "XOAUTH2" { Vec::new() } else { b"\x01".to_vec() }
            });
            (is_let_in(&answer), String::from_utf8(refused).expect("text"), answer)
        };
        for (mechanism, first) in [
            ("OAUTHBEARER", standard("", token)),
            ("OAUTHBEARER", standard("a=alice@house.test", token)),
            ("XOAUTH2", older("alice@house.test", token)),
        ] {
            let (let_in, _, answer) = try_it(mechanism, &first);
            assert!(let_in, "{listener} {mechanism}: {answer}");
        }
        for (mechanism, first, said) in [
            ("OAUTHBEARER", standard("", &token[1..]), "{\"status\":\"invalid_token\"}"),
            (
                "XOAUTH2",
                older("alice@house.test", "x"),
                "{\"status\":\"401\",\"schemes\":\"bearer\"}",
            ),
            // A good token of somebody else.
            ("OAUTHBEARER", standard("a=bob@house.test", token), ""),
            ("XOAUTH2", older("bob@house.test", token), ""),
            ("XOAUTH2", b"nonsense".to_vec(), ""),
        ] {
            let (let_in, refused, answer) = try_it(mechanism, &first);
            assert!(!let_in && refused == said, "{listener} {mechanism}: {refused} {answer}");
        }
    }
}

#[test]
fn an_exchange_can_be_broken_off_and_begun_again() {
    let house = House::furnished();
    for listener in SASL {
        let mut line = fresh(&house, listener);
        let command = if listener == "imaps" { "a AUTHENTICATE" } else { "AUTH" };
        let long = "A".repeat(20_000);
        for (mechanism, response) in [
            ("PLAIN", "*"),
            ("LOGIN", "*"),
            ("OAUTHBEARER", "*"),
            ("XOAUTH2", "not base64"),
            ("PLAIN", "AAAA"),
            ("SCRAM-SHA-256", ""),
            ("PLAIN", &long),
        ] {
            if mechanism == "PLAIN" && response.len() > 100 && listener == "pop3s" {
                // POP3 hangs up.
                continue;
            }
            line.say(&format!("{command} {mechanism}"));
            if mechanism != "SCRAM-SHA-256" {
                let challenge = line.line();
                assert!(
                    challenge.starts_with("+ ") || challenge.starts_with("334 "),
                    "{listener}: {challenge}"
                );
                line.say(response);
            }
            let answer = line.line();
            let refused = ["a BAD ", "a NO ", "-ERR ", "50"].iter().any(|no| answer.starts_with(no));
            assert!(refused, "{listener} {mechanism}: {answer}");
        }
        let proof = format!("\0alice@house.test\0{PASSWORD}");
        let answer = exchange(&mut line, listener, "PLAIN", |_| proof.clone().into_bytes());
        assert!(is_let_in(&answer), "{listener}: {answer}");
    }
}
