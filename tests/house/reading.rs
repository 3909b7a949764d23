//! Reading mail: what does not fit into a transcript.

use crate::support::house::PASSWORD;
use crate::support::house::{Builder, House};
use crate::support::imap::Imap;
use crate::support::pop3::Pop3;

#[test]
fn a_message_comes_back_as_it_went_in() {
    let house = House::furnished();
    let mut message = b"Subject: every octet\r\nContent-Type: application/octet-stream\r\n\r\n".to_vec();
    for _ in 0..2000 {
        message.extend((1..=255_u8).filter(|octet| !b"\r\n".contains(octet)));
        message.extend_from_slice(b"\r\n");
    }
    let mut imap = house.imap("alice@house.test");
    let status = imap.append("INBOX", &message);
    assert!(status.starts_with("OK"), "{status}");
    imap.select("INBOX");
    assert_eq!(imap.body(1), message);
    let partial = imap.ok("FETCH 1 BODY.PEEK[]<100000.70000>");
    assert_eq!(partial[0].literals[0], message[100_000..170_000]);
}

#[test]
fn the_same_message_is_read_over_imap_and_pop3() {
    let house = House::furnished();
    house
        .smtp()
        .send("ada@client.test", &["alice@house.test"], "Subject: both\n\n.\nline\n")
        .expect(250);
    let mut imap = house.imap("alice@house.test");
    imap.select("INBOX");
    let by_imap = String::from_utf8(imap.body(1)).expect("text");
    let mut pop3 = Pop3::login(house.address("pop3s"), "alice@house.test", PASSWORD);
    let by_pop3 = pop3.lines("RETR 1").join("\r\n") + "\r\n";
    assert_eq!(by_imap, by_pop3);
    assert_eq!(pop3.ok("STAT"), format!("1 {}", by_imap.len()));
}

#[test]
fn many_messages_are_listed_in_their_order() {
    let house = House::furnished();
    let mut smtp = house.smtp();
    for number in 1..=300 {
        smtp.send(
            "ada@client.test",
            &["alice@house.test"],
            &format!("Subject: number {number}\n\nx\n"),
        )
        .expect(250);
    }
    let mut imap = house.imap("alice@house.test");
    assert_eq!(imap.select("INBOX").0, 300);
    let fetched = imap.ok("FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])");
    for (index, response) in fetched.iter().enumerate() {
        let subject = String::from_utf8_lossy(&response.literals[0]).into_owned();
        assert_eq!(subject, format!("Subject: number {}\r\n\r\n", index + 1));
    }
}

#[test]
fn sessions_that_say_nothing_end() {
    let house = Builder::default().set("imap.login_timeout_seconds", 1).start();
    let mut line = crate::support::line::Line::connect(house.address("imap"));
    line.line();
    let bye = line.try_line();
    assert!(bye.is_err() || bye.is_ok_and(|line| line.starts_with(b"* BYE")));
    assert!(line.is_closed());
}

/// RFC 3501 §7.1.5: when the server stops, its sessions are told.
#[test]
fn idle_sessions_are_told_when_the_server_stops() {
    let mut house = House::furnished();
    let mut imap: Imap = house.imap("alice@house.test");
    imap.select("INBOX");
    imap.line().say("i IDLE");
    while !imap.line().line().starts_with('+') {}
    let stopping = std::thread::spawn(move || house.terminate());
    let bye = imap.untagged();
    assert!(bye.text.starts_with("* BYE"), "{bye:?}");
    assert!(stopping.join().expect("an end").success());
}
