//! The vectors of `tests/messages`, and known answers for what is broken.

use super::*;
use serde_json::Value;

/// Name and octets of each vector.
fn vectors() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messages");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "eml"))
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                std::fs::read(path).unwrap(),
            )
        })
        .collect();
    all.sort();
    assert!(all.len() >= 55);
    all
}

fn expected() -> Value {
    serde_json::from_str(include_str!("../../../../tests/messages/expected.json")).unwrap()
}

/// Leaf parts; an embedded message counts as one.
fn leaves(part: &Part) -> usize {
    if part.is_multipart() {
        part.children.iter().map(leaves).sum()
    } else {
        1
    }
}

/// What holds for every message.
fn check(message: &[u8]) -> Structure {
    let structure = Structure::parse(message);
    assert_eq!(structure.size, message.len() as u64);
    for part in structure.parts() {
        assert!(part.header.start <= part.header.end && part.header.end <= part.body.start);
        assert!(part.body.start <= part.body.end && part.body.end <= structure.size);
        assert!(!part.media_type.is_empty() && !part.subtype.is_empty());
        assert_eq!(part.is_multipart(), part.media_type.eq_ignore_ascii_case("multipart"));
        assert_eq!(
            part.embedded.is_some(),
            part.is("message", "rfc822") || part.is("message", "global")
        );
        let body = &message[part.body.start as usize..part.body.end as usize];
        assert_eq!(part.lines, body.iter().filter(|&&octet| octet == b'\n').count() as u64);
        for inner in part.children.iter().chain(part.embedded.iter().map(|it| &it.root)) {
            assert!(part.body.start <= inner.header.start && inner.body.end <= part.body.end);
        }
    }
    assert_eq!(Structure::decode(&structure.encode()), Some(structure.clone()));
    structure
}

#[test]
fn vectors_have_the_parts_expected() {
    let expected = expected();
    for (name, message) in vectors() {
        let structure = check(&message);
        if let Some(parts) = expected[&name]["parts"].as_u64() {
            assert_eq!(leaves(&structure.root) as u64, parts, "{name}");
        }
        if let Some(to) = expected[&name]["to"].as_u64() {
            let count = structure
                .envelope
                .to
                .iter()
                .filter(|it| matches!(it, Address::Mailbox { .. }))
                .count();
            assert_eq!(count as u64, to, "{name}");
        }
    }
}

#[test]
fn bodies_are_where_mail_parser_finds_them() {
    // Where the readings of broken input may differ.
    const DIFFER: [&str; 3] = ["36-", "40-", "51-"];
    for (name, message) in vectors() {
        if DIFFER.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let structure = Structure::parse(&message);
        let theirs = mail_parser::MessageParser::default().parse(&message).unwrap();
        let ours: Vec<&Part> = leaves_of(&structure.root);
        let theirs: Vec<_> = theirs
            .parts
            .iter()
            .filter(|part| part.sub_parts().is_none_or(<[u32]>::is_empty))
            .collect();
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert_eq!(ours.body.start, u64::from(theirs.raw_body_offset()), "{name}");
        }
    }
}

fn leaves_of(part: &Part) -> Vec<&Part> {
    if part.is_multipart() {
        part.children.iter().flat_map(leaves_of).collect()
    } else {
        vec![part]
    }
}

#[test]
fn sections_are_numbered_as_the_rfc_says() {
    let (_, message) = vectors().into_iter().find(|(name, _)| name.starts_with("16-")).unwrap();
    let structure = check(&message);
    let text = |path: &[u32], what| {
        let range = structure.section_range(path, what)?;
        Some(String::from_utf8_lossy(&message[range.start as usize..range.end as usize]).into_owned())
    };
    use SectionText::{Body, Header, Mime, Text};
    assert_eq!(text(&[1], Body).unwrap(), "forwarded:");
    assert_eq!(text(&[1], Mime).unwrap(), "\r\n");
    assert_eq!(text(&[1], Header), None);
    assert_eq!(text(&[2], Mime).unwrap(), "Content-Type: message/rfc822\r\n\r\n");
    assert!(text(&[2], Header).unwrap().contains("Subject: inner"));
    assert!(text(&[2], Text).unwrap().starts_with("--g\r\n"));
    assert_eq!(text(&[2], Body).unwrap(), text(&[2], Header).unwrap() + &text(&[2], Text).unwrap());
    assert_eq!(text(&[2, 1], Body).unwrap(), "inner text");
    assert_eq!(text(&[2, 2], Body).unwrap(), "JVBERi0=");
    assert_eq!(text(&[2, 3], Body), None);
    assert_eq!(text(&[3], Body), None);
    assert_eq!(text(&[0], Body), None);
    assert_eq!(text(&[1, 1], Body), None);
    assert_eq!(text(&[], Mime), None);
    assert_eq!(text(&[], Body).unwrap().len(), message.len());
    assert_eq!(text(&[], Header).unwrap() + &text(&[], Text).unwrap(), text(&[], Body).unwrap());

    let plain = check(b"Subject: x\r\n\r\nbody\r\n");
    assert_eq!(plain.section_range(&[1], Body), Some(14..20));
    assert_eq!(plain.section_range(&[1], Mime), Some(0..14));
    assert_eq!(plain.section_range(&[1, 1], Body), None);

    let nested = check(b"Content-Type: message/rfc822\r\n\r\nSubject: i\r\n\r\nx");
    assert_eq!(nested.section(&[1]).unwrap().media_type, "message");
    assert_eq!(nested.section(&[1, 1]).unwrap().media_type, "text");
    assert_eq!(nested.section(&[1, 1, 1]), None);
}

fn mailbox(name: Option<&str>, local: &str, domain: &str) -> Address {
    Address::Mailbox {
        name: name.map(Into::into),
        route: None,
        local: local.into(),
        domain: domain.into(),
    }
}

#[test]
fn addresses_are_read() {
    let group = |name: &str| Address::GroupStart(name.into());
    let table: Vec<(&str, Vec<Address>)> = vec![
        ("a@x.example", vec![mailbox(None, "a", "x.example")]),
        ("\"Ann\r\n Example\" <ann@x>", vec![mailbox(Some("Ann Example"), "ann", "x")]),
        (
            "(comment (nested)) \"A. Person\" (x) <a@x> (y)",
            vec![mailbox(Some("A. Person"), "a", "x")],
        ),
        ("a@x (Ann (E.) \\) X)", vec![mailbox(Some("Ann (E.) ) X"), "a", "x")]),
        (
            "Team: \"B, C\" <b@x>, d@x;, undisclosed-recipients:;",
            vec![
                group("Team"),
                mailbox(Some("B, C"), "b", "x"),
                mailbox(None, "d", "x"),
                Address::GroupEnd,
                group("undisclosed-recipients"),
                Address::GroupEnd,
            ],
        ),
        (
            "e@[192.0.2.1], \"quoted\\\"pair\"@x",
            vec![mailbox(None, "e", "[192.0.2.1]"), mailbox(None, "quoted\"pair", "x")],
        ),
        (
            "Joe Q. Public <john . q . public @ x . example>",
            vec![mailbox(Some("Joe Q. Public"), "john.q.public", "x.example")],
        ),
        ("john . q @ x . example", vec![mailbox(None, "john.q", "x.example")]),
        (
            "<@a.example,@b.example:c@x>, , d@x,",
            vec![
                Address::Mailbox {
                    name: None,
                    route: Some("@a.example,@b.example".into()),
                    local: "c".into(),
                    domain: "x".into(),
                },
                mailbox(None, "d", "x"),
            ],
        ),
        ("Joe Public joe@x", vec![mailbox(Some("Joe Public"), "joe", "x")]),
        ("root", vec![mailbox(None, "root", "")]),
        ("MAILER-DAEMON <>", vec![mailbox(Some("MAILER-DAEMON"), "", "")]),
        ("Open <a@x, b@x", vec![mailbox(Some("Open"), "a", "x"), mailbox(None, "b", "x")]),
        (
            "=?utf-8?q?J=C3=BCrgen?= <j@x>",
            vec![mailbox(Some("=?utf-8?q?J=C3=BCrgen?="), "j", "x")],
        ),
        ("Open: a@x", vec![group("Open"), mailbox(None, "a", "x"), Address::GroupEnd]),
        ("\"open", vec![mailbox(None, "open", "")]),
        ("", vec![]),
        (",;>", vec![]),
    ];
    for (raw, list) in table {
        assert_eq!(addresses(raw.as_bytes()), list, "{raw}");
    }
}

#[test]
fn parameters_are_read() {
    type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);
    let table: &[Row] = &[
        ("text/plain", "text/plain", &[]),
        (
            "Text / (c) HTML ; charset = \"utf-8\" ; x=y",
            "Text/HTML",
            &[("charset", "utf-8"), ("x", "y")],
        ),
        (
            "text/plain; charset=us-ascii (Plain text)",
            "text/plain",
            &[("charset", "us-ascii")],
        ),
        ("a/b; name=a b(1).pdf;x", "a/b", &[("name", "a b(1).pdf")]),
        (
            "a/b; f*0*=utf-8''%e2%82%ac%20; f*1*=rates; f*2=\".t t\"",
            "a/b",
            &[("f*", "utf-8''%e2%82%ac%20rates.t%20t")],
        ),
        ("a/b; F*1=b; f*0=a; f*3=d", "a/b", &[("F", "ab")]),
        ("a/b; name*=utf-8''x", "a/b", &[("name*", "utf-8''x")]),
        ("a/b; n=\"a\\\"b\r\n c\"", "a/b", &[("n", "a\"b c")]),
        ("; charset=\"unclosed", "", &[("charset", "unclosed")]),
        ("text; charset=x", "", &[("charset", "x")]),
        ("", "", &[]),
    ];
    for (raw, media_type, list) in table {
        let (found, params) = params::media_type(raw.as_bytes());
        assert_eq!(found.map(|(a, b)| format!("{a}/{b}")).unwrap_or_default(), *media_type, "{raw}");
        let params: Vec<_> = params
            .iter()
            .map(|it| (it.name.as_str(), std::str::from_utf8(&it.value).unwrap()))
            .collect();
        assert_eq!(params, *list, "{raw}");
    }
}

#[test]
fn envelopes_have_their_defaults() {
    let envelope = check(b"From: a@x\r\nSender:\r\nReply-To: r@x\r\nsubject : one\r\nSubject: two\r\nDate:\r\n\r\n").envelope;
    assert_eq!(envelope.sender, envelope.from);
    assert_eq!(envelope.reply_to, [mailbox(None, "r", "x")]);
    assert_eq!(envelope.subject.as_deref(), Some(&b"one"[..]));
    assert_eq!(envelope.date.as_deref(), Some(&b""[..]));
    assert_eq!(envelope.message_id, None);
}

#[test]
fn limits_hold() {
    // 250 messages in one another, and as many multiparts.
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(250);
    let structure = check(messages.as_bytes());
    assert_eq!(structure.parts().count(), limits::DEPTH + 1);
    assert!(structure.parts().last().unwrap().is("application", "octet-stream"));
    let multiparts: String = (0..250)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"))
        .collect();
    assert_eq!(check(multiparts.as_bytes()).parts().count(), limits::DEPTH + 1);
    // More parts than are split off.
    let parts = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\n\r\nx\r\n".repeat(limits::PARTS + 100)
    );
    let structure = check(parts.as_bytes());
    assert_eq!(structure.parts().count(), limits::PARTS);
    let list = format!("To: {}\r\n\r\n", "a@x,".repeat(30_000));
    assert_eq!(check(list.as_bytes()).envelope.to.len(), limits::ADDRESSES);
}

#[test]
fn a_message_cut_anywhere_has_a_structure() {
    for (_, message) in vectors() {
        // The long vectors are long by repetition.
        let step = if message.len() > 4096 { 97 } else { 1 };
        for end in (0..message.len()).step_by(step) {
            check(&message[..end]);
        }
    }
}

#[test]
fn random_octets_have_a_structure() {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand::rngs::SmallRng::seed_from_u64(1);
    const PIECES: [&[u8]; 16] = [
        b"\r\n",
        b"\n",
        b"--b",
        b"--",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"From: ",
        b"<",
        b"\"",
        b"(",
        b",",
        b"@",
        b" ",
        b";x*0*=",
        b"\\",
        b"Subject: =?utf-8?q?",
    ];
    for _ in 0..3000 {
        let mut message = Vec::new();
        for _ in 0..rng.random_range(0..60) {
            if rng.random_range(0..4) == 0 {
                message.push(rng.random_range(0..=255_u8));
            } else {
                message.extend_from_slice(PIECES[rng.random_range(0..PIECES.len())]);
            }
        }
        check(&message);
    }
}

#[test]
fn a_damaged_cache_is_no_structure_and_no_panic() {
    let encoded = Structure::parse(&vectors()[15].1).encode();
    for end in 0..encoded.len() {
        assert_eq!(Structure::decode(&encoded[..end]), None);
    }
    for at in 0..encoded.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = encoded.clone();
            damaged[at] ^= flip;
            let _ = Structure::decode(&damaged);
        }
    }
}
