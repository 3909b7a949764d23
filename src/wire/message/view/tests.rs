//! The vectors of `tests/messages` as people see them, and what is random or cut.

use super::*;
use crate::wire::message::search::{Needle, text_contains};
use serde_json::Value;

fn view(message: &[u8]) -> View {
    View::new(message, &Structure::parse(message))
}

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/messages/{name}.eml", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn vectors_read_as_expected() {
    let expected: Value = serde_json::from_str(include_str!("../../../../tests/messages/expected.json")).unwrap();
    for (name, expected) in expected.as_object().unwrap() {
        let view = view(&vector(name));
        if let Some(text) = expected["text"].as_str() {
            let found = view.text.as_deref().unwrap();
            assert_eq!(found.trim_end_matches(['\r', '\n']), text.trim_end_matches(['\r', '\n']), "{name}");
        }
        if let Some(subject) = expected["subject"].as_str() {
            assert_eq!(view.subject.as_deref(), Some(subject), "{name}");
        }
        if let Some(names) = expected["attachments"].as_array() {
            let found: Vec<_> = view.attachments.iter().filter_map(|it| it.filename.as_deref()).collect();
            assert_eq!(found, names.iter().filter_map(Value::as_str).collect::<Vec<_>>(), "{name}");
        }
        if let Some(count) = expected["references"].as_u64() {
            assert_eq!(view.references.len() as u64, count, "{name}");
        }
    }
}

#[test]
fn attachments_come_out_whole() {
    let message = vector("14-mixed-attachments");
    let view = view(&message);
    assert_eq!(view.attachments, attachments(&message, &Structure::parse(&message)));
    let [file, picture] = view.attachments.as_slice() else {
        panic!("two attachments")
    };
    assert_eq!(file.octets(&message).as_ref(), (0..=255).collect::<Vec<u8>>());
    assert_eq!((file.n, file.size, file.inline), (1, 256, false));
    assert_eq!((picture.n, picture.inline, picture.content_id.as_deref()), (2, true, Some("p@x")));
    assert_eq!(picture.media_type, "image/png");
}

#[test]
fn addresses_and_broken_bodies_are_shown() {
    let odd = view(&vector("11-groups-comments"));
    let shown: Vec<String> = odd.from.iter().chain(&odd.to).chain(&odd.cc).map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "A. Person <a@x.example>",
            "B, C <b@x.example>",
            "d@x.example",
            "e@[192.0.2.1]",
            "\"quoted\\\"pair\"@x.example"
        ]
    );
    let broken = view(&vector("33-base64-broken"));
    assert_eq!(broken.text.as_deref(), Some("Hello world"));
}

#[test]
fn html_alone_has_a_text_too() {
    let view = view(b"Content-Type: text/html\r\n\r\n<p>Hello <b>you</b></p>");
    assert_eq!(view.text.as_deref().map(str::trim), Some("Hello you"));
    assert_eq!(view.html.as_deref(), Some("<p>Hello <b>you</b></p>"));
    assert_eq!(view.attachments, []);
}

/// Reads whatever this is in every way there is.
fn survive(message: &[u8], needle: &Needle) {
    let structure = Structure::parse(message);
    let view = View::new(message, &structure);
    view.attachments.iter().for_each(|attachment| drop(attachment.octets(message)));
    let _ = text_contains(message, &structure, needle, true);
}

#[test]
fn messages_cut_anywhere_are_viewed_and_searched() {
    let needle = Needle::new("no such text");
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messages")).unwrap() {
        let message = std::fs::read(entry.unwrap().path()).unwrap();
        let step = if message.len() > 4096 { 997 } else { 3 };
        for end in (0..=message.len()).step_by(step) {
            survive(&message[..end], &needle);
        }
    }
}

#[test]
fn random_octets_are_viewed_and_searched() {
    use rand::{RngExt, SeedableRng};
    const CHARSETS: [&str; 10] = [
        "utf-7",
        "utf-16",
        "utf-32",
        "iso-2022-jp",
        "gb18030",
        "hz-gb-2312",
        "cp437",
        "nosuch",
        "big5",
        "iso-2022-kr",
    ];
    const PIECES: [&[u8]; 12] = [
        b"<p",
        b">",
        b"&#x",
        b"&amp",
        b"<!--",
        b"</",
        b"+AG",
        b"\x1b$B",
        b"=?utf-7?q?+",
        b"=\r\n",
        b"<a href=\"",
        b"<style>",
    ];
    let (mut rng, needle) = (rand::rngs::SmallRng::seed_from_u64(2), Needle::new("no such text"));
    for round in 0..3000 {
        let charset = CHARSETS[round % CHARSETS.len()];
        let mut message = format!("Content-Type: text/html; charset={charset}; name*=x'").into_bytes();
        for _ in 0..rng.random_range(0..80) {
            if rng.random_range(0..3) == 0 {
                message.extend_from_slice(b"\r\n\r\n");
            }
            message.push(rng.random_range(0..=255_u8));
            message.extend_from_slice(PIECES[rng.random_range(0..PIECES.len())]);
        }
        survive(&message, &needle);
    }
}

#[test]
fn previews_are_the_begin_of_the_text() {
    for (message, most, want) in [
        ("A: b\r\n\r\nOne  two\r\n\r\nthree\r\n", 200, "One two three"),
        ("A: b\r\n\r\n> quoted\r\nanswer\r\n", 200, "answer"),
        ("A: b\r\n\r\nOne two three", 7, "One two"),
        ("A: b\r\n\r\nOne two three", 8, "One two"),
        ("A: b\r\n\r\nabcdefghij", 4, "abcd"),
        ("Content-Type: text/html\r\n\r\n<p>bold <b>words</b></p>", 200, "bold words"),
        ("Content-Type: text/plain; charset=utf-8\r\n\r\näöü", 2, "äö"),
        ("Content-Type: image/png\r\n\r\nabc", 200, ""),
        ("", 200, ""),
    ] {
        let structure = Structure::parse(message.as_bytes());
        assert_eq!(preview(message.as_bytes(), &structure, most), want, "{message:?}");
    }
}

#[test]
fn threads_begin_with_the_first_reference() {
    for (header, want) in [
        (
            "References: <a@x>\r\n <b@x>\r\nIn-Reply-To: <b@x>\r\nMessage-ID: <c@x>\r\n\r\n",
            Some("a@x"),
        ),
        ("In-Reply-To: <b@x>\r\nMessage-ID: <c@x>\r\n\r\n", Some("b@x")),
        ("References: \r\nMessage-ID: <c@x>\r\n\r\n", Some("c@x")),
        ("Subject: x\r\n\r\nMessage-ID: <c@x>", None),
    ] {
        assert_eq!(thread_root(header.as_bytes()).as_deref(), want, "{header:?}");
    }
}
