//! `=?charset?q?…?=` in header texts (RFC 2047 §2, §6).
//!
//! More lenient than §5 in where words may stand, since mailers put them everywhere; a broken word stays as it is written.
//! A character that is split over two words of one charset (forbidden by §5, often seen) is put together.

use super::unfold;
use crate::wire::message::{charset, transfer};

/// The text of a header field: unfolded, encoded words decoded, octets outside of ASCII taken for UTF-8 or else windows-1252.
pub fn decode_text(raw: &[u8]) -> String {
    let text = unfold(raw);
    let mut out = Output::default();
    let mut rest: &[u8] = &text;
    let mut searched = 0;
    while let Some(at) = rest.get(searched..).and_then(|tail| memchr::memmem::find(tail, b"=?")) {
        let at = at.saturating_add(searched);
        let (before, tail) = rest.split_at_checked(at).unwrap_or((rest, b""));
        match Word::parse(tail) {
            Some((word, behind)) => {
                out.plain(before);
                out.word(word);
                (rest, searched) = (behind, 0);
            }
            None => searched = at.saturating_add(2),
        }
    }
    out.plain(rest);
    out.flush();
    out.text
}

struct Word<'a> {
    charset: &'a [u8],
    octets: Vec<u8>,
}

impl<'a> Word<'a> {
    /// The word at the begin of the text, and what comes behind it.
    fn parse(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (charset, rest) = until_question(text.strip_prefix(b"=?")?)?;
        let (encoding, rest) = until_question(rest)?;
        let (encoded, rest) = until_question(rest)?;
        let behind = rest.strip_prefix(b"=")?;
        // RFC 2231 §5: a language may stand behind the charset.
        let charset = charset.split(|&octet| octet == b'*').next().unwrap_or(charset);
        if !charset::is_known(charset) {
            return None;
        }
        let octets = match encoding {
            b"q" | b"Q" => from_q(encoded),
            b"b" | b"B"
                if encoded
                    .iter()
                    .all(|&octet| octet.is_ascii_alphanumeric() || b"+/= ".contains(&octet)) =>
            {
                transfer::decode_all(encoded, transfer::Encoding::Base64)
            }
            _ => return None,
        };
        Some((Self { charset, octets }, behind))
    }
}

fn until_question(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b'?', text)?;
    Some((text.get(..at)?, text.get(at.checked_add(1)?..)?))
}

/// RFC 2047 §4.2: `_` is a blank, `=xx` an octet.
fn from_q(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        match octet {
            b'_' => out.push(b' '),
            b'=' => match transfer::hex_pair(tail) {
                Some(decoded) => {
                    out.push(decoded);
                    rest = tail.get(2..).unwrap_or_default();
                }
                None => out.push(b'='),
            },
            octet => out.push(octet),
        }
    }
    out
}

/// The decoded text, and the octets of the words last read, whose charset may go on in the next one.
#[derive(Default)]
struct Output<'a> {
    text: String,
    charset: Option<&'a [u8]>,
    octets: Vec<u8>,
}

impl<'a> Output<'a> {
    fn word(&mut self, word: Word<'a>) {
        if !self.charset.is_some_and(|charset| charset.eq_ignore_ascii_case(word.charset)) {
            self.flush();
        }
        self.charset = Some(word.charset);
        self.octets.extend_from_slice(&word.octets);
    }

    fn plain(&mut self, text: &[u8]) {
        // RFC 2047 §6.2: blanks between two words are none of the text. Those at the end of the field are gone already.
        if !(self.charset.is_some() && text.trim_ascii().is_empty()) {
            self.flush();
            self.text.push_str(&charset::guess(text));
        }
    }

    fn flush(&mut self) {
        if let Some(charset) = self.charset.take() {
            self.text.push_str(&charset::decode(&self.octets, Some(charset)));
            self.octets.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_decoded() {
        let table = [
            ("plain", "plain"),
            (
                " =?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?b?IOaXpeacrA==?=\r\n =?iso-8859-1?q?_caf=E9?= plain",
                "Grüße 日本 café plain",
            ),
            ("=?utf-8?q?a=C3?= =?utf-8?q?=BCb?=", "aüb"),
            (
                "=?utf-8?q?no end =?x?b?!!!?= =?utf-8?z?abc?= =?nosuch?q?=41?=",
                "=?utf-8?q?no end =?x?b?!!!?= =?utf-8?z?abc?= =?nosuch?q?=41?=",
            ),
            ("a =?us-ascii*en?Q?b_c?= d", "a b c d"),
            ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
            ("=?", "=?"),
            ("=?=?=?utf-8?q?x?=", "=?=?x"),
            ("", ""),
        ];
        for (raw, text) in table {
            assert_eq!(decode_text(raw.as_bytes()), text, "{raw}");
        }
        assert_eq!(decode_text(b"caf\xe9"), "café");
    }
}
