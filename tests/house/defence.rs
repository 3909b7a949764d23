//! Who is kept out: bans that follow from failed logins over any protocol, and the lists of the operator.

use std::io::{Read, Write};
use std::net::SocketAddr;

use serde_json::json;
use toml::Value;

use crate::support::house::{Builder, House, PASSWORD};
use crate::support::peer::connect;
use crate::support::wait::until;

/// A house that bans after three failures, this machine as well, but for the address that the tests come from otherwise.
fn strict() -> Builder {
    Builder::default()
        .set("defence.allow", vec!["127.0.0.1"])
        .set("defence.max_failures", 3)
        .set("defence.watch_milliseconds", 50)
        .set("auth.max_failure_delay_seconds", 0)
        .set("auth.wrong_cache_seconds", 0)
        .set("tls.allow_plaintext_auth_from", vec!["127.0.0.0/8"])
}

fn furnished(builder: Builder) -> House {
    let house = builder.start();
    house.provision();
    house
}

/// What is answered to these lines, up to the end of the connection.
fn talk(to: SocketAddr, from: u8, lines: &str) -> String {
    let mut stream = connect(to, from);
    // The peer may have hung up already.
    let _ = stream.write_all(lines.as_bytes());
    let mut octets = Vec::new();
    let _ = stream.read_to_end(&mut octets);
    String::from_utf8_lossy(&octets).into_owned()
}

/// Whether a connection is closed without a word.
fn is_shut(house: &House, listener: &str, from: u8) -> bool {
    let mut stream = connect(house.address(listener), from);
    let mut octet = [0];
    stream.read(&mut octet).map_or(true, |read| read == 0)
}

#[test]
fn failed_logins_over_any_protocol_ban_an_address_everywhere() {
    let house = furnished(strict());
    let smtp = "AUTH PLAIN AGFsaWNlQGhvdXNlLnRlc3QAbm8=\r\nQUIT\r\n";
    assert!(talk(house.address("submission"), 7, &format!("EHLO x\r\n{smtp}")).contains("535 "));
    assert!(talk(house.address("imap"), 7, "a LOGIN alice@house.test wrong\r\nb LOGOUT\r\n").contains("a NO "));
    assert!(!is_shut(&house, "imap", 7));
    assert!(talk(house.address("pop3"), 7, "USER bob@house.test\r\nPASS wrong\r\nQUIT\r\n").contains("-ERR"));
    for listener in ["smtp", "submission", "lmtp", "imap", "pop3", "managesieve", "imaps", "submissions"] {
        assert!(is_shut(&house, listener, 7), "{listener}");
    }
    assert!(
        talk(
            house.address("http"),
            7,
            "GET /api/v1/domains HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .starts_with("HTTP/1.1 403")
    );
    assert!(
        talk(
            house.address("http"),
            7,
            "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .starts_with("HTTP/1.1 200")
    );
    // Others come in as before.
    assert!(!is_shut(&house, "imap", 8));
    house.imap("alice@house.test");

    let ban = until("the ban", || {
        let list = house.admin().get("/bans").ok();
        list["items"].get(0).cloned()
    });
    assert_eq!(ban["network"], "127.0.0.7/32");
    assert_eq!((&ban["automatic"], &ban["times"]), (&json!(true), &json!(1)));
    let shown = house.admin().get("/bans/127.0.0.7%2F32").ok();
    assert_eq!(shown, house.admin().get("/bans/127.0.0.7").ok());
    assert_eq!(house.admin().delete("/bans/127.0.0.7").status, 204);
    assert!(!is_shut(&house, "imap", 7));
    house.admin().delete("/bans/127.0.0.7").problem(404);
}

#[test]
fn whoever_is_banned_while_they_are_here_does_not_log_in() {
    let house = furnished(strict());
    let mut stream = connect(house.address("imap"), 7);
    stream.read_exact(&mut [0]).expect("a greeting");
    house.admin().post("/bans", json!({"network": "127.0.0.7"})).ok();
    let line = format!("a LOGIN alice@house.test {PASSWORD}\r\nb LOGOUT\r\n");
    stream.write_all(line.as_bytes()).expect("a line");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("an answer");
    assert!(said.contains("a NO ") && !said.contains("a OK"), "{said}");
}

#[test]
fn bans_and_lists_are_managed_over_the_api_and_by_commands() {
    let house = furnished(strict());
    let admin = house.admin();
    let made = admin.post("/bans", json!({"network": "203.0.113.9/24", "reason": "guesses"}));
    assert_eq!(
        (made.status, made.header("location")),
        (201, "/api/v1/bans/203.0.113.0%2F24".into())
    );
    admin.post("/bans", json!({"network": "203.0.113.0/24"})).problem(409);
    for (body, field) in [
        (json!({"network": "nowhere"}), "network"),
        (json!({"network": "0.0.0.0/0"}), "network"),
        (json!({"network": "192.0.2.1", "expires_at": "2020-01-01T00:00:00Z"}), "expires_at"),
    ] {
        assert_eq!(admin.post("/bans", body).problem(422)["field"], field);
    }
    let said = house.command(&["ban", "list"]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("203.0.113.0/24"));
    assert!(house.command(&["ban", "add", "127.0.0.9"]).status.success());
    until("the ban of another process", || is_shut(&house, "imap", 9).then_some(()));
    assert!(house.command(&["ban", "remove", "127.0.0.9"]).status.success());
    until("the end of the ban", || (!is_shut(&house, "imap", 9)).then_some(()));

    admin.post("/blocklist", json!({"subject": "127.0.0.9", "note": "no"})).ok();
    assert!(is_shut(&house, "smtp", 9));
    admin.post("/allowlist", json!({"subject": "127.0.0.0/8"})).ok();
    assert!(!is_shut(&house, "smtp", 9));
    assert_eq!(admin.get("/blocklist").ok()["items"][0]["subject"], "127.0.0.9/32");
    assert_eq!(admin.get("/allowlist/127.0.0.0%2F8").ok()["subject"], "127.0.0.0/8");
    assert_eq!(admin.delete("/blocklist/127.0.0.9%2F32").status, 204);
    assert_eq!(admin.get("/blocklist").ok()["items"], json!([]));
    admin.post("/blocklist", json!({"subject": "localhost"})).problem(422);
}

#[test]
fn a_blocked_sender_is_refused_and_nobody_else() {
    let house = furnished(Builder::default().set("defence.watch_milliseconds", 50));
    let admin = house.admin();
    for subject in ["eve@client.test", "spam.test"] {
        admin.post("/blocklist", json!({"subject": subject})).ok();
    }
    admin.post("/allowlist", json!({"subject": "good.spam.test"})).ok();
    let to = ["alice@house.test"];
    let message = "Subject: x\n\nx\n";
    for (from, code) in [
        ("Eve@client.test", 550),
        ("ada@client.test", 250),
        ("a@spam.test", 550),
        ("a@sub.spam.test", 550),
        ("a@good.spam.test", 250),
        ("", 250),
    ] {
        let mut smtp = house.smtp();
        smtp.command("EHLO client.test").expect(250);
        smtp.command(&format!("MAIL FROM:<{from}>")).expect(code);
    }
    house.smtp().send("ada@client.test", &to, message).expect(250);
}

#[test]
fn nodes_share_their_bans() {
    let house = furnished(strict());
    let other = house.another_node();
    let wrong = "a LOGIN alice@house.test wrong\r\nb LOGIN alice@house.test false\r\nc LOGIN bob@house.test no\r\nd LOGOUT\r\n";
    talk(house.address("imap"), 7, wrong);
    until("the ban on the other node", || is_shut(&other, "imap", 7).then_some(()));
    assert!(!is_shut(&other, "imap", 8));
}

#[test]
fn nobody_is_banned_where_that_is_off() {
    let house = furnished(
        strict()
            .set("defence.max_failures", 0)
            .set("defence.max_failures_per_network", Value::Integer(0)),
    );
    let wrong: String = (0..9).map(|n| format!("{n} LOGIN alice@house.test wrong{n}\r\n")).collect();
    talk(house.address("imap"), 7, &format!("{wrong}z LOGOUT\r\n"));
    assert!(!is_shut(&house, "imap", 7));
}
