//! SMTP: commands, lines, bodies, replies.

use bytes::BytesMut;
use posthouse::wire::smtp::body::{ChunkChecker, DataDecoder, Fault};
use posthouse::wire::smtp::hops::HopCounter;
use posthouse::wire::smtp::line::Lines;
use posthouse::wire::smtp::reply::{EnhancedStatus, Parser};
use posthouse::wire::smtp::{command, reply};

/// A command line without its end.
pub fn command(data: &[u8]) {
    if let Err(bad) = command::parse(data) {
        let mut out = Vec::new();
        reply::bad_command(bad).encode(&mut out);
        assert!(out.ends_with(b"\r\n"));
    }
}

/// Lines are the same in whatever pieces they come.
pub fn lines(data: &[u8]) {
    let (octets, size) = super::pieces(data);
    assert_eq!(lines_of(octets, octets.len().max(1)), lines_of(octets, size));
}

fn lines_of(octets: &[u8], size: usize) -> Vec<String> {
    let (mut lines, mut input, mut found) = (Lines::default(), BytesMut::new(), Vec::new());
    for piece in octets.chunks(size) {
        input.extend_from_slice(piece);
        while let Some(line) = lines.next(&mut input, 100) {
            found.push(format!("{line:?}"));
        }
    }
    found
}

/// What DATA brings, and where it ends, is the same in whatever pieces it comes.
pub fn body(data: &[u8]) {
    let (octets, size) = super::pieces(data);
    let whole = body_of(octets, octets.len().max(1));
    assert_eq!(whole, body_of(octets, size));
    let (text, fault, end) = whole;
    if let (None, Some(end)) = (fault, end) {
        assert!(octets[..end].ends_with(b".\r\n"));
        // No server can find another end in it (RFC 5321 §4.1.1.4).
        let lone = |at: usize| text[at] == b'\n' && (at == 0 || text[at - 1] != b'\r');
        assert!(!(0..text.len()).any(lone), "a bare LF");
    }
    let (mut whole, mut in_pieces) = (HopCounter::default(), HopCounter::default());
    whole.look(octets);
    octets.chunks(size).for_each(|piece| in_pieces.look(piece));
    assert_eq!(whole.count(), in_pieces.count());
}

fn body_of(octets: &[u8], size: usize) -> (Vec<u8>, Option<Fault>, Option<usize>) {
    let (mut decoder, mut text, mut done) = (DataDecoder::default(), Vec::new(), 0);
    for piece in octets.chunks(size) {
        let mut rest = piece;
        while !rest.is_empty() {
            let portion = decoder.next(rest);
            text.extend_from_slice(portion.text);
            done += portion.consumed;
            rest = &rest[portion.consumed..];
            if portion.ended {
                return (kept(text, decoder.fault()), decoder.fault(), Some(done));
            }
        }
    }
    (kept(text, decoder.fault()), decoder.fault(), None)
}

/// Of a faulty message nothing counts but that it is one.
fn kept(text: Vec<u8>, fault: Option<Fault>) -> Vec<u8> {
    if fault.is_some() { Vec::new() } else { text }
}

/// BDAT (RFC 3030 §2).
pub fn chunks(data: &[u8]) {
    let (octets, size) = super::pieces(data);
    let (mut whole, mut in_pieces) = (ChunkChecker::default(), ChunkChecker::default());
    let _ = whole.check(octets);
    for piece in octets.chunks(size) {
        let _ = in_pieces.check(piece);
    }
    assert_eq!(whole.end(), in_pieces.end());
}

/// The replies of another server.
pub fn reply(data: &[u8]) {
    let (octets, size) = super::pieces(data);
    let whole = replies(octets, octets.len().max(1));
    let in_pieces = replies(octets, size);
    // A line that is too long may be cut off before its end has come.
    let is_cut = |text: &Vec<String>| text.last().is_some_and(|last| last.contains("LineTooLong"));
    if !is_cut(&whole) && !is_cut(&in_pieces) {
        assert_eq!(whole, in_pieces);
    }
    let _ = EnhancedStatus::parse(&String::from_utf8_lossy(octets));
}

fn replies(octets: &[u8], size: usize) -> Vec<String> {
    let (mut parser, mut input, mut found) = (Parser::default(), BytesMut::new(), Vec::new());
    for piece in octets.chunks(size) {
        input.extend_from_slice(piece);
        loop {
            match parser.next(&mut input) {
                Ok(None) => break,
                Ok(Some(reply)) => {
                    let mut out = Vec::new();
                    reply.encode(&mut out);
                    found.push(out.escape_ascii().to_string());
                }
                Err(bad) => {
                    found.push(format!("{bad:?}"));
                    return found;
                }
            }
        }
    }
    found
}
