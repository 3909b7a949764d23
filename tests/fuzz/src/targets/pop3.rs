//! POP3: commands, and messages on their way out.

use bytes::BytesMut;
use posthouse::wire::pop3::command::{Command, take_line};
use posthouse::wire::pop3::language;
use posthouse::wire::pop3::message::{Stuffer, Top};
use posthouse::wire::smtp::body::DataDecoder;

/// Lines and commands.
pub fn command(data: &[u8]) {
    let mut input = BytesMut::from(data);
    while let Ok(Some(line)) = take_line(&mut input, 512) {
        let _ = Command::parse(&line);
    }
    let _ = language::finds(&String::from_utf8_lossy(data));
}

/// A message with its dots doubled is the message again once they are undone, in whatever pieces it went (RFC 1939 §3).
pub fn message(data: &[u8]) {
    let (octets, size) = super::pieces(data);
    let mut stuffer = Stuffer::default();
    let mut out = Vec::new();
    octets.chunks(size).for_each(|piece| stuffer.push(piece, &mut out));
    stuffer.finish(&mut out);
    let mut whole = Vec::new();
    let mut stuffer = Stuffer::default();
    stuffer.push(octets, &mut whole);
    stuffer.finish(&mut whole);
    assert_eq!(whole, out);
    assert!(out.ends_with(b".\r\n"));
    let mut decoder = DataDecoder::default();
    let (mut rest, mut text) = (&*out, Vec::new());
    while !rest.is_empty() {
        let portion = decoder.next(rest);
        text.extend_from_slice(portion.text);
        rest = &rest[portion.consumed..];
        assert!(!portion.ended || rest.is_empty(), "the end comes before the end");
    }
    // Bare line ends are mended on the way; all else stays.
    let is_bare = |pair: &[u8]| (pair[1] == b'\n') != (pair[0] == b'\r');
    let framed = [b"x", octets, b"x"].concat();
    if decoder.fault().is_none() && !framed.windows(2).any(is_bare) {
        assert!(text.starts_with(octets));
    }
    let mut top = Top::new(3);
    let kept: usize = octets.chunks(size).map(|piece| top.keep(piece).len()).sum();
    let mut at_once = Top::new(3);
    assert_eq!(at_once.keep(octets).len(), kept);
}
