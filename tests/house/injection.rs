//! Commands that somebody on the way slips in behind STARTTLS, in clear text, so that they are obeyed as if the client had given them within
//! TLS (CVE-2011-0411 and its kin; RFC 3207 §6, RFC 9051 §6.2.1). At every listener that offers it they are never answered: the connection
//! ends before the handshake.

use std::io::Write;
use std::net::TcpStream;

use crate::support::house::{Builder, House, PASSWORD};
use crate::support::line::Line;

/// A listener where TLS can be begun.
struct Door {
    listener: &'static str,
    /// What is said first, if anything; and how the last line of the answer begins, after that of the greeting.
    hello: Option<&'static str>,
    greeted: [&'static str; 2],
    start: &'static str,
    go_ahead: &'static str,
    /// What would be done in the client's name.
    injected: String,
}

fn doors() -> Vec<Door> {
    let smtp = |listener, hello| Door {
        listener,
        hello: Some(hello),
        greeted: ["220 ", "250 "],
        start: "STARTTLS",
        go_ahead: "220 2.0.0",
        injected: format!("{hello}\r\nMAIL FROM:<eve@client.test>\r\nRCPT TO:<bob@house.test>\r\nNOOP\r\n"),
    };
    let other = |listener, greeted, start, go_ahead, injected| Door {
        listener,
        hello: None,
        greeted: [greeted, ""],
        start,
        go_ahead,
        injected,
    };
    vec![
        smtp("smtp", "EHLO client.test"),
        smtp("submission", "EHLO client.test"),
        smtp("lmtp", "LHLO client.test"),
        other(
            "imap",
            "* OK",
            "a STARTTLS",
            "a OK",
            format!("b LOGIN bob@house.test {PASSWORD}\r\nc SELECT INBOX\r\n"),
        ),
        other(
            "pop3",
            "+OK",
            "STLS",
            "+OK",
            format!("USER bob@house.test\r\nPASS {PASSWORD}\r\nSTAT\r\n"),
        ),
        other(
            "managesieve",
            "OK",
            "STARTTLS",
            "OK",
            "CAPABILITY\r\nNOOP\r\nLISTSCRIPTS\r\n".to_owned(),
        ),
    ]
}

impl Door {
    /// A connection on which TLS could be begun now.
    fn open(&self, house: &House) -> Line {
        let mut line = Line::connect(house.address(self.listener));
        let [greeting, answer] = self.greeted;
        while !line.line().starts_with(greeting) {}
        if let Some(hello) = self.hello {
            line.say(hello);
            while !line.line().starts_with(answer) {}
        }
        line
    }

    /// Nothing more is said, and there is no TLS.
    fn ends(&self, mut line: Line) {
        let go_ahead = line.line();
        assert!(go_ahead.starts_with(self.go_ahead), "{}: {go_ahead}", self.listener);
        let handshake = line.start_tls();
        assert!(handshake.is_err(), "{}: TLS was begun\n{}", self.listener, line.said());
    }
}

fn house() -> House {
    let house = Builder::default().set("tls.allow_plaintext_auth_from", vec!["127.0.0.0/8"]).start();
    house.provision();
    house
}

#[test]
fn what_comes_with_the_command_is_not_obeyed() {
    let house = house();
    for door in doors() {
        let mut line = door.open(&house);
        let packet = format!("{}\r\n{}", door.start, door.injected);
        line.send(packet.as_bytes()).expect("a connection");
        let go_ahead = line.line();
        assert!(go_ahead.starts_with(door.go_ahead), "{}: {go_ahead}", door.listener);
        assert!(line.is_closed(), "{}: something was answered\n{}", door.listener, line.said());
    }
    assert!(house.inbox("bob@house.test").is_empty());
}

#[test]
fn what_comes_with_the_command_and_half_a_line_are_not_kept_for_tls() {
    let house = house();
    for door in doors() {
        // Half a line, which what the client says within TLS would complete.
        let mut line = door.open(&house);
        line.send(format!("{}\r\nNO", door.start).as_bytes()).expect("a connection");
        door.ends(line);
    }
}

#[test]
fn what_comes_before_the_handshake_is_no_command() {
    let house = house();
    for door in doors() {
        let mut line = door.open(&house);
        line.say(door.start);
        let go_ahead = line.line();
        assert!(go_ahead.starts_with(door.go_ahead), "{}: {go_ahead}", door.listener);
        // A moment later: the server waits for a handshake, and this is none.
        line.send(door.injected.as_bytes()).expect("a connection");
        let said = line.try_line().ok();
        assert_eq!(said, None, "{}: it was answered", door.listener);
    }
    // The others are served all the same.
    TcpStream::connect(house.address("smtp"))
        .expect("a connection")
        .write_all(b"QUIT\r\n")
        .expect("a listener");
    assert!(house.smtp().command("NOOP").code == 250);
}
