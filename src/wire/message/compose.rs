//! Header lines of messages that the server makes itself.
//!
//! RFC 5322 §2.1.1 (line lengths), §2.2.3 (folding), §3.3 (date and time), §3.6.4 (Message-ID).

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

/// Where lines are folded if there is a space (RFC 5322 §2.1.1).
const PREFERRED: usize = 78;
/// Where a word is cut if there is none; 998 is the most (RFC 5322 §2.1.1).
const MOST: usize = 900;

/// Appends `name: value` and CRLF, folded at spaces. Control characters become spaces, so that no value can make a line of its own.
pub fn header(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    let mut column = name.len() + 1;
    for word in value.split(|c: char| c == ' ' || c.is_control()).filter(|word| !word.is_empty()) {
        for piece in pieces(word) {
            let is_first = column == name.len() + 1;
            if column + 1 + piece.len() > PREFERRED && !is_first {
                out.extend_from_slice(b"\r\n");
                column = 0;
            }
            out.push(b' ');
            out.extend_from_slice(piece.as_bytes());
            column += 1 + piece.len();
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// A text of a header in ASCII: as it is, or in encoded words of at most 75 characters (RFC 2047 §2).
pub fn encoded_words(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut words = Vec::new();
    let mut rest = text;
    while let Some((piece, after)) = rest.split_at_checked(rest.floor_char_boundary(45))
        && !piece.is_empty()
    {
        words.push(format!("=?utf-8?b?{}?=", BASE64_STANDARD.encode(piece)));
        rest = after;
    }
    Cow::Owned(words.join(" "))
}

/// A date as headers have it, in UTC.
pub fn date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// A Message-ID from something that is used once and the server's name.
pub fn message_id(unique: &str, host: &str) -> String {
    format!("<{unique}@{host}>")
}

/// A word in pieces that fit a line.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at_checked(rest.floor_char_boundary(MOST))?;
        rest = after;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(name: &str, value: &str) -> String {
        let mut out = Vec::new();
        header(&mut out, name, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_are_folded() {
        assert_eq!(spelled("Subject", "Hello"), "Subject: Hello\r\n");
        assert_eq!(spelled("X", ""), "X:\r\n");
        assert_eq!(spelled("X", "a\r\nBcc: b\u{0}c"), "X: a Bcc: b c\r\n");
        let words = ["word"; 40].join(" ");
        let folded = spelled("X", &words);
        assert!(folded.lines().count() > 2);
        assert!(folded.lines().all(|line| line.len() <= PREFERRED));
        assert_eq!(folded.replace("\r\n ", " "), format!("X: {words}\r\n"));
        let long = spelled("X", &"ü".repeat(3000));
        assert!(long.lines().all(|line| line.len() <= 998));
    }

    #[test]
    fn words_are_encoded() {
        assert_eq!(encoded_words("plain text"), "plain text");
        assert_eq!(encoded_words("für"), "=?utf-8?b?ZsO8cg==?=");
        let long = "Grüße an alle ".repeat(20);
        let words = encoded_words(&long);
        assert!(words.split(' ').count() > 3 && words.split(' ').all(|word| word.len() <= 75));
        assert_eq!(super::super::header::decode_text(words.as_bytes()), long);
    }

    #[test]
    fn dates_are_spelled() {
        assert_eq!(date(Timestamp::UNIX_EPOCH), "Thu, 01 Jan 1970 00:00:00 +0000");
    }
}
