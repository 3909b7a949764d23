//! Behind a proxy that speaks the PROXY protocol: the client is whom the header names, and nobody else may say so.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustls::{ClientConnection, StreamOwned};
use serde_json::json;

use crate::support::house::{Builder, House};
use crate::support::peer::connect;
use crate::support::tls;

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x08\xc6\x33\x64\x01\xdc\x04\0\x19";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// Proxies come from 127.0.0.2.
fn behind() -> Builder {
    Builder::default()
        .set("proxy.from", vec!["127.0.0.2"])
        .set("proxy.timeout_seconds", 1)
}

fn furnished(builder: Builder) -> House {
    let house = builder.start();
    house.provision();
    house
}

/// What is answered to these octets, up to the end of the connection.
fn talk(mut stream: TcpStream, octets: &[u8]) -> String {
    // The peer may have hung up already.
    let _ = stream.write_all(octets);
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn the_header_says_who_the_client_is() {
    let house = furnished(behind());
    for (header, ip) in [(V1, "192.0.2.7"), (V2, "192.0.2.8"), (LOCAL, "127.0.0.2")] {
        let mail = format!(
            "EHLO client.test\r\nMAIL FROM:<ada@client.test>\r\nRCPT TO:<alice@house.test>\r\nDATA\r\nSubject: {ip}\r\n\r\nx\r\n.\r\nQUIT\r\n"
        );
        let said = talk(connect(house.address("smtp"), 2), &[header, mail.as_bytes()].concat());
        assert!(said.starts_with("220 ") && said.contains("\r\n221 "), "{said}");
        let inbox = house.inbox("alice@house.test");
        let texts: Vec<String> = inbox.iter().map(|file| std::fs::read_to_string(file).expect("a message")).collect();
        assert!(texts.iter().any(|text| text.contains(&format!("([{ip}])"))), "{texts:?}");
    }
    assert!(talk(connect(house.address("imap"), 2), &[V1, b"a LOGOUT\r\n"].concat()).contains("a OK"));
    assert!(talk(connect(house.address("pop3"), 2), &[V2, b"QUIT\r\n"].concat()).starts_with("+OK"));
    assert!(talk(connect(house.address("managesieve"), 2), &[V1, b"LOGOUT\r\n"].concat()).contains("OK"));
}

#[test]
fn tls_begins_right_after_the_header() {
    let house = furnished(behind());
    let mut stream = connect(house.address("imaps"), 2);
    stream.write_all(V2).expect("a header");
    let name = "mail.house.test".try_into().expect("a name");
    let session = ClientConnection::new(tls::client(), name).expect("a client");
    let mut stream = StreamOwned::new(session, stream);
    stream.write_all(b"a LOGOUT\r\n").expect("a line");
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    assert!(String::from_utf8_lossy(&said).contains("a OK"));
}

#[test]
fn bans_are_about_the_client_and_not_about_the_proxy() {
    let house = furnished(behind());
    house.admin().post("/bans", json!({"network": "192.0.2.7"})).ok();
    assert_eq!(talk(connect(house.address("smtp"), 2), &[V1, b"QUIT\r\n"].concat()), "");
    assert!(talk(connect(house.address("smtp"), 2), &[V2, b"QUIT\r\n"].concat()).contains("\r\n221 "));
}

#[test]
fn only_proxies_say_who_somebody_is_and_they_must() {
    let house = furnished(behind());
    let said = talk(connect(house.address("smtp"), 3), &[V1, b"QUIT\r\n"].concat());
    assert!(said.starts_with("220 ") && said.contains("\r\n500 "), "{said}");
    for wrong in [&b"EHLO client.test\r\n"[..], b"PROXY TCP4 nobody\r\n", &V2[..13], b"PROXY"] {
        assert_eq!(talk(connect(house.address("smtp"), 2), wrong), "", "{}", wrong.escape_ascii());
    }
    // A listener that is not behind the proxy hears no header.
    let house = furnished(behind().set("proxy.listeners", vec!["smtp"]));
    assert!(talk(connect(house.address("imap"), 2), b"a LOGOUT\r\n").contains("a OK"));
    assert_eq!(talk(connect(house.address("smtp"), 2), b"QUIT\r\n"), "");
}
