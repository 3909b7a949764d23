//! What hostile clients send.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use rand::RngExt;
use rand::rngs::StdRng;
use rustls::{ClientConnection, StreamOwned};

use crate::support::house::PASSWORD;
use crate::support::tls;

/// The most octets that are sent in one session.
const MOST: usize = 2 << 20;

/// How a session is led, and what is sent in it.
pub struct Attack {
    pub manner: Manner,
    pub octets: Vec<u8>,
}

/// How a session is led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Sends, reads a while, and leaves.
    Leave,
    /// Sends, and reads nothing of the answers.
    Deaf,
    /// Sends, and breaks the connection.
    Reset,
    /// Sends, and stays there without a word.
    Hold,
    /// Sends in a TLS session.
    OverTls,
}

impl Attack {
    /// One that fits the listener, or does not.
    pub fn choose(listener: &str, random: &mut StdRng) -> Self {
        let octets = match random.random_range(0..10) {
            0 => noise(random),
            1 => endless(random),
            2 => half_a_handshake(random),
            _ => match listener {
                "smtp" | "submission" | "submissions" | "lmtp" => smtp(listener, random),
                "imap" | "imaps" => imap(random),
                "pop3" | "pop3s" => pop3(random),
                "managesieve" => managesieve(random),
                _ => http(random),
            },
        };
        let with_tls = ["submissions", "imaps", "pop3s", "https"].contains(&listener);
        let manner = match random.random_range(0..10) {
            0 | 1 => Manner::Hold,
            2 | 3 => Manner::Deaf,
            4 => Manner::Reset,
            5..=8 if with_tls => Manner::OverTls,
            _ => Manner::Leave,
        };
        Self { manner, octets }
    }
}

fn pick<'a>(random: &mut StdRng, all: &[&'a str]) -> &'a str {
    all[random.random_range(0..all.len())]
}

/// Octets of any kind, or NULs.
fn noise(random: &mut StdRng) -> Vec<u8> {
    let mut octets = vec![0; random.random_range(1..20_000)];
    if random.random() {
        random.fill(&mut octets[..]);
    }
    octets
}

/// A line without an end.
fn endless(random: &mut StdRng) -> Vec<u8> {
    let what = pick(random, &["A", "a NOOP ", "((((", "\"", "{9}", "\0", "\r", "=?utf-8?q?", "/"]);
    what.repeat(MOST / what.len())
        .into_bytes()
        .split_off(random.random_range(0..MOST / 2))
}

/// What begins like a handshake.
fn half_a_handshake(random: &mut StdRng) -> Vec<u8> {
    let mut octets = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    let mut rest = vec![0; random.random_range(0..600)];
    random.fill(&mut rest[..]);
    octets.extend(rest);
    octets
}

fn repeated(line: &str, random: &mut StdRng) -> String {
    line.repeat(random.random_range(1..(MOST / 8 / line.len()).max(2)))
}

fn smtp(listener: &str, random: &mut StdRng) -> Vec<u8> {
    let hello = if listener == "lmtp" { "LHLO x\r\n" } else { "EHLO x\r\n" };
    let envelope = "MAIL FROM:<a@client.test>\r\nRCPT TO:<bob@house.test>\r\n";
    let long = "x".repeat(random.random_range(1_000..100_000));
    let text = match random.random_range(0..15) {
        0 => "STARTTLS\r\nEHLO injected\r\nMAIL FROM:<eve@client.test>\r\n".into(),
        1 => format!("STARTTLS\r\n{}", repeated("NOOP\r\n", random)),
        2 => repeated("NOOP\r\n", random),
        3 => format!("{envelope}DATA\r\n{long}\r\n"),
        4 => format!("{envelope}DATA\r\nSubject: x\r\n\r\nx\n.\nMAIL FROM:<eve@client.test>\r\n\r.\r\n\0\r\n.\r\nQUIT\r\n"),
        5 => format!("{envelope}BDAT 18446744073709551615\r\n{long}"),
        6 => format!("{envelope}BDAT 4294967295 LAST\r\n{long}"),
        7 => format!("MAIL FROM:<a@client.test>\r\n{}", repeated("RCPT TO:<bob@house.test>\r\n", random)),
        8 => format!("MAIL FROM:<{long}@client.test> SIZE=99999999999999999999\r\n"),
        9 => format!("AUTH PLAIN {long}\r\nAUTH LOGIN\r\n{long}\r\n{long}\r\n"),
        10 => format!("{envelope}DATA\r\n{}\r\n.\r\n", repeated("Received: from x by y; z\r\n", random)),
        11 => format!("{envelope}DATA\r\n{}\r\n\r\nx\r\n.\r\n", nested_multiparts(random)),
        12 => "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".into(),
        13 => repeated("VRFY nobody\r\nEXPN all\r\nHELP me\r\nXCLIENT ADDR=1.2.3.4\r\n", random),
        _ => "RCPT TO:<a@b>\nDATA\nMAIL\rFROM\n".into(),
    };
    format!("{hello}{text}").into_bytes()
}

/// A header of parts within parts.
fn nested_multiparts(random: &mut StdRng) -> String {
    let depth = random.random_range(1..2_000);
    let part = |n: usize| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n");
    (0..depth).map(part).collect()
}

fn imap(random: &mut StdRng) -> Vec<u8> {
    let login = format!("a LOGIN bob@house.test {PASSWORD}\r\nb SELECT INBOX\r\n");
    let deep = random.random_range(100..20_000);
    let long = "x".repeat(random.random_range(1_000..100_000));
    let text = match random.random_range(0..16) {
        0 => "a STARTTLS\r\nb LOGIN eve injected\r\n".into(),
        1 => format!("a STARTTLS\r\n{}", repeated("b NOOP\r\n", random)),
        2 => "a LOGIN {4294967295}\r\n".into(),
        3 => format!("a LOGIN {{99999999999999999999+}}\r\n{long}"),
        4 => format!("a LOGIN {{2147483647+}}\r\n{long}"),
        5 => format!("{login}c APPEND INBOX {{4294967295+}}\r\n{long}"),
        6 => format!("{login}c SEARCH {}ALL{}\r\n", "(".repeat(deep), ")".repeat(deep)),
        7 => format!("{login}c SEARCH {}\r\n", "NOT ".repeat(deep)),
        8 => format!("{login}c FETCH {} FLAGS\r\n", "1:*,".repeat(deep)),
        9 => format!(
            "{login}c FETCH 4294967295:1,0:18446744073709551615 (BODY[{}])\r\n",
            "1.".repeat(deep)
        ),
        10 => format!("{login}c LIST \"\" \"{}\"\r\n", "*%".repeat(deep)),
        11 => format!("{login}{}", repeated("c FETCH 1:* (FLAGS BODY.PEEK[])\r\n", random)),
        12 => repeated("a CAPABILITY\r\nb ID NIL\r\n", random),
        13 => format!("{login}c COMPRESS DEFLATE\r\n{long}"),
        14 => format!(
            "{login}{}",
            (0..200).map(|n| format!("c{n} CREATE {}\r\n", "a/".repeat(n))).collect::<String>()
        ),
        _ => format!("a AUTHENTICATE PLAIN\r\n{long}\r\nb AUTHENTICATE SCRAM-SHA-256 {long}\r\n*\r\n"),
    };
    text.into_bytes()
}

fn pop3(random: &mut StdRng) -> Vec<u8> {
    let login = format!("USER bob@house.test\r\nPASS {PASSWORD}\r\n");
    let long = "x".repeat(random.random_range(1_000..100_000));
    let text = match random.random_range(0..8) {
        0 => "STLS\r\nUSER injected\r\n".into(),
        1 => format!("STLS\r\n{}", repeated("CAPA\r\n", random)),
        2 => repeated("CAPA\r\n", random),
        3 => format!("USER {long}\r\nPASS {long}\r\n"),
        4 => format!("{login}RETR 18446744073709551615\r\nTOP 1 99999999999999999999\r\nDELE -1\r\n"),
        5 => format!("{login}{}", repeated("RETR 1\r\n", random)),
        6 => format!("AUTH PLAIN\r\n{long}\r\nAUTH PLAIN {long}\r\n"),
        _ => "USER a\nPASS b\rSTAT\0\r\n".into(),
    };
    text.into_bytes()
}

fn managesieve(random: &mut StdRng) -> Vec<u8> {
    let long = "x".repeat(random.random_range(1_000..100_000));
    let deep = random.random_range(100..20_000);
    let text = match random.random_range(0..8) {
        0 => "STARTTLS\r\nCAPABILITY\r\n".into(),
        1 => format!("STARTTLS\r\n{}", repeated("NOOP\r\n", random)),
        2 => "PUTSCRIPT \"x\" {4294967295+}\r\n".into(),
        3 => format!("AUTHENTICATE \"PLAIN\" {{99999999999999999999+}}\r\n{long}"),
        4 => format!("CHECKSCRIPT {{{}+}}\r\n{}", deep * 4, "not ".repeat(deep)),
        5 => repeated("CAPABILITY\r\n", random),
        6 => format!("AUTHENTICATE \"{long}\" \"{long}\"\r\n"),
        _ => "\"\\\0\r\nNOOP \"\n".into(),
    };
    text.into_bytes()
}

fn http(random: &mut StdRng) -> Vec<u8> {
    let long = "x".repeat(random.random_range(1_000..100_000));
    let login = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let text = match random.random_range(0..11) {
        0 => format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        1 => format!("GET / HTTP/1.1\r\n{}", repeated("X-Header: y\r\n", random)),
        2 => format!("{login}Content-Length: 18446744073709551615\r\n\r\n{long}"),
        3 => format!("{login}Content-Length: 99999999999999999999\r\n\r\n"),
        4 => format!("{login}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{long}"),
        5 => format!("{login}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /injected HTTP/1.1\r\n\r\n"),
        6 => {
            let deep = "[".repeat(long.len());
            format!("{login}Content-Length: {}\r\n\r\n{deep}", deep.len())
        }
        7 => format!("GET /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {long}\r\n\r\n"),
        8 => repeated("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n", random),
        9 => format!("{login}Content-Length: 100000\r\n\r\n{{\"username\":"),
        _ => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\x7f\x7f\x7f\x01\x05\0\0\0\x01".into(),
    };
    text.into_bytes()
}

/// Sends what the server takes.
pub fn send(mut stream: &TcpStream, octets: &[u8]) {
    for piece in octets.chunks(16 * 1024) {
        match stream.write_all(piece) {
            Ok(()) => {}
            // It does not want any more of it, or not now.
            Err(_) => return,
        }
    }
}

/// Reads until the server closes, or says nothing for a while, or has said enough.
pub fn listen(stream: &TcpStream) {
    drain(stream);
}

fn drain(mut stream: impl Read) {
    let (mut room, mut heard) = ([0; 16 * 1024], 0);
    while heard < MOST {
        match stream.read(&mut room) {
            Ok(0) => return,
            Ok(count) => heard += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// The same in a TLS session, if there will be one.
pub fn send_over_tls(stream: &TcpStream, octets: &[u8]) {
    let name = "mail.house.test".try_into().expect("a name");
    let session = ClientConnection::new(tls::client(), name).expect("a client");
    let mut session = StreamOwned::new(session, stream);
    for piece in octets.chunks(16 * 1024) {
        if session.write_all(piece).is_err() {
            return;
        }
    }
    drain(session);
}
