//! Charsets to Unicode: encoding_rs for those that browsers know, mail-parser for UTF-7 and other old ones.

use std::borrow::Cow;

use encoding_rs::{Decoder, Encoding, REPLACEMENT, UTF_8, WINDOWS_1252};

/// How octets of one charset become text.
enum Charset {
    /// By encoding_rs.
    Known(&'static Encoding),
    /// By mail-parser.
    Old(fn(&[u8]) -> String),
    /// No charset, plain ASCII, or none that is known: see [`guess`].
    Guess,
}

impl Charset {
    fn named(label: Option<&[u8]>) -> Self {
        let Some(label) = label.map(<[u8]>::trim_ascii) else {
            return Self::Guess;
        };
        // Those who send 8-bit text as us-ascii mean something else.
        if label.eq_ignore_ascii_case(b"us-ascii") || label.eq_ignore_ascii_case(b"ascii") {
            return Self::Guess;
        }
        match Encoding::for_label(label) {
            Some(encoding) if encoding != REPLACEMENT => Self::Known(encoding),
            _ => mail_parser::decoders::charsets::map::charset_decoder(label).map_or(Self::Guess, Self::Old),
        }
    }
}

/// Whether text in this charset can be decoded.
pub(super) fn is_known(label: &[u8]) -> bool {
    label.eq_ignore_ascii_case(b"us-ascii")
        || label.eq_ignore_ascii_case(b"ascii")
        || !matches!(Charset::named(Some(label)), Charset::Guess)
}

/// Whether octets of ASCII stand for themselves in this charset, whatever stands before them.
pub(super) fn has_ascii(label: Option<&[u8]>) -> bool {
    match Charset::named(label) {
        Charset::Known(encoding) => encoding.is_ascii_compatible(),
        Charset::Old(_) => false,
        Charset::Guess => true,
    }
}

/// The text; what is no character of the charset becomes U+FFFD.
pub(in crate::wire) fn decode<'a>(octets: &'a [u8], label: Option<&[u8]>) -> Cow<'a, str> {
    match Charset::named(label) {
        Charset::Known(encoding) => encoding.decode(octets).0,
        Charset::Old(decode) => Cow::Owned(decode(octets)),
        Charset::Guess => guess(octets),
    }
}

/// Text of unknown charset: UTF-8 if it can be, else windows-1252.
pub(super) fn guess(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(octets).0,
    }
}

/// Decodes a text that comes in pieces. For [`Charset::Old`] a character must not be split over two pieces, or it is lost; for
/// unknown charsets the first piece decides.
pub(super) struct Pieces(State);

enum State {
    Known(Decoder),
    Old(fn(&[u8]) -> String),
    Undecided,
}

impl Pieces {
    pub fn new(label: Option<&[u8]>) -> Self {
        Self(match Charset::named(label) {
            Charset::Known(encoding) => State::Known(encoding.new_decoder()),
            Charset::Old(decode) => State::Old(decode),
            Charset::Guess => State::Undecided,
        })
    }

    /// Adds the text of a piece to `out`; `last` ends the text.
    pub fn push(&mut self, octets: &[u8], last: bool, out: &mut String) {
        if let State::Undecided = self.0 {
            // A character that the piece's end cuts off is no error yet.
            let is_utf8 = std::str::from_utf8(octets).map_or_else(|error| error.error_len().is_none(), |_| true);
            let encoding = if is_utf8 { UTF_8 } else { WINDOWS_1252 };
            self.0 = State::Known(encoding.new_decoder_without_bom_handling());
        }
        match &mut self.0 {
            State::Known(decoder) => {
                // Without a known maximum (a piece of half the address space) there is nothing to decode into.
                if let Some(room) = decoder.max_utf8_buffer_length(octets.len()) {
                    out.reserve(room);
                    let _ = decoder.decode_to_string(octets, out, last);
                }
            }
            State::Old(decode) => out.push_str(&decode(octets)),
            State::Undecided => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets_are_decoded() {
        let table: [(&[u8], Option<&str>, &str); 8] = [
            (b"caf\xe9", Some("iso-8859-1"), "café"),
            (b"caf\xe9", Some("us-ascii"), "café"),
            ("café".as_bytes(), None, "café"),
            (b"caf\xe9", Some("nosuch"), "café"),
            (b"a\xffb", Some("utf-8"), "a\u{fffd}b"),
            (b"\x1b$BF|K\\\x1b(B", Some("ISO-2022-JP"), "日本"),
            (b"Gr+APw-n", Some("utf-7"), "Grün"),
            (b"", Some(""), ""),
        ];
        for (octets, label, text) in table {
            assert_eq!(decode(octets, label.map(str::as_bytes)), text, "{label:?}");
        }
    }

    #[test]
    fn pieces_may_split_characters() {
        for (label, octets) in [(Some("utf-8"), "aü日𠀀".as_bytes().to_vec()), (None, "aü日𠀀".as_bytes().to_vec())] {
            for cut in 0..octets.len() {
                let (head, tail) = octets.split_at(cut);
                let (mut pieces, mut out) = (Pieces::new(label.map(str::as_bytes)), String::new());
                pieces.push(head, false, &mut out);
                pieces.push(tail, true, &mut out);
                assert_eq!(out, "aü日𠀀", "cut at {cut}");
            }
        }
    }
}
