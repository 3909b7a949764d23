//! Clients that trickle: one octet now and one then must not hold a session.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::house::{Builder, House, PASSWORD};
use crate::support::wait::PATIENCE;

fn house() -> House {
    let house = Builder::default()
        .set("tls.allow_plaintext_auth_from", vec!["127.0.0.0/8"])
        .set("smtp.data_timeout_seconds", 1)
        .set("smtp.min_data_rate", 1000)
        .set("imap.command_timeout_seconds", 1)
        .set("imap.min_data_rate", 1000)
        .set("imap.pop3_idle_timeout_seconds", 1)
        .start();
    house.provision();
    house
}

/// Says the lines and waits for as many answers; then sends octet after octet, with pauses far shorter than any time limit, until
/// the server has had enough. Gives what it said last.
fn trickle(house: &House, listener: &str, lines: &[&str]) -> String {
    let stream = TcpStream::connect(house.address(listener)).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut writer = stream;
    let mut answer = String::new();
    reader.read_line(&mut answer).expect("a greeting");
    for line in lines {
        writer.write_all(format!("{line}\r\n").as_bytes()).expect("a connection");
        answer.clear();
        reader.read_line(&mut answer).expect("an answer");
        assert!(!answer.starts_with(['4', '5', '-']) && !answer.contains(" NO "), "{line}: {answer}");
    }
    let trickling = std::thread::spawn(move || {
        while writer.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    answer.clear();
    reader.read_to_string(&mut answer).unwrap_or_default();
    drop(reader);
    trickling.join().expect("a thread");
    answer
}

#[test]
fn messages_and_commands_have_their_pace() {
    let house = house();
    let envelope = ["HELO client.test", "MAIL FROM:<ada@client.test>", "RCPT TO:<bob@house.test>"];
    let data = trickle(&house, "smtp", &[&envelope[..], &["DATA"]].concat());
    assert!(data.starts_with("421 4.4.2 "), "{data}");
    // A chunk is counted in octets, so its answer does not come before them.
    let chunk = trickle(&house, "smtp", &[&envelope[..], &["BDAT 3\r\nx", "NOOP\r\nBDAT 9999"]].concat());
    assert!(chunk.contains("421 4.4.2 "), "{chunk}");
    assert!(house.inbox("bob@house.test").is_empty());

    let login = format!("a LOGIN alice@house.test {PASSWORD}");
    let command = trickle(&house, "imap", &[&login]);
    assert!(command.starts_with("* BYE [UNAVAILABLE] "), "{command}");
    let literal = trickle(&house, "imap", &[&login, "b APPEND INBOX {9999}"]);
    assert!(literal.starts_with("* BYE [UNAVAILABLE] "), "{literal}");
    assert!(house.inbox("alice@house.test").is_empty());

    // RFC 1939 §3: no word at the end, and nothing is removed.
    let pop3 = trickle(&house, "pop3", &["USER alice@house.test", &format!("PASS {PASSWORD}")]);
    assert_eq!(pop3, "");
}
