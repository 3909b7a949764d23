//! `=?charset?q?…?=` in header texts (RFC 2047 §2, §6).
//!
//! More lenient than §5 in where words may stand, since mailers put them everywhere; a broken word stays as it is written.
//! A character that is split over two words of one charset (forbidden by §5, often seen) is put together.

use super::unfold;
use crate::wire::message::{charset, transfer};

/// Octets of a text that are given on at a time.
const PIECE: usize = 65_536;

/// The text of a header field: unfolded, encoded words decoded, octets outside of ASCII taken for UTF-8 or else windows-1252.
pub fn decode_text(raw: &[u8]) -> String {
    let mut output = Output::default();
    decode(raw, &mut output, |_| false);
    output.text
}

/// The same, given to `each` in pieces until it has enough: the field may be as long as the message. Whether it had.
pub fn decode_pieces(raw: &[u8], mut each: impl FnMut(&str) -> bool) -> bool {
    let mut output = Output::default();
    let pass_on = |text: &mut String| {
        let has_enough = text.len() >= PIECE && each(text);
        if text.len() >= PIECE {
            text.clear();
        }
        has_enough
    };
    decode(raw, &mut output, pass_on) || each(&output.text)
}

/// Decodes into `output`, and shows what there is now and then to `pass_on`, until it has enough.
fn decode(raw: &[u8], output: &mut Output, mut pass_on: impl FnMut(&mut String) -> bool) -> bool {
    let text = unfold(raw);
    let mut rest: &[u8] = &text;
    let mut searched = 0;
    while let Some(at) = rest.get(searched..).and_then(|tail| memchr::memmem::find(tail, b"=?")) {
        let at = at.saturating_add(searched);
        let (before, tail) = rest.split_at_checked(at).unwrap_or((rest, b""));
        match Word::parse(tail) {
            Some((word, behind)) => {
                if output.plain(before, &mut pass_on) {
                    return true;
                }
                output.word(&word);
                if pass_on(&mut output.text) {
                    return true;
                }
                (rest, searched) = (behind, 0);
            }
            None => searched = at.saturating_add(2),
        }
    }
    let has_enough = output.plain(rest, &mut pass_on);
    output.flush();
    has_enough
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

/// The decoded text, and the decoder of the words last read: a character may go on in the next one.
#[derive(Default)]
struct Output {
    text: String,
    words: Option<(Vec<u8>, charset::Pieces)>,
}

impl Output {
    fn word(&mut self, word: &Word<'_>) {
        if !self
            .words
            .as_ref()
            .is_some_and(|(known, _)| known.eq_ignore_ascii_case(word.charset))
        {
            self.flush();
        }
        let of_charset = || (word.charset.to_vec(), charset::Pieces::new(Some(word.charset)));
        let (_, decoder) = self.words.get_or_insert_with(of_charset);
        decoder.push(&word.octets, false, &mut self.text);
    }

    /// Whether `pass_on` has enough.
    fn plain(&mut self, text: &[u8], pass_on: &mut impl FnMut(&mut String) -> bool) -> bool {
        // RFC 2047 §6.2: blanks between two words are none of the text. Those at the end of the field are gone already.
        if self.words.is_some() && text.trim_ascii().is_empty() {
            return false;
        }
        self.flush();
        if text.len() <= PIECE {
            self.text.push_str(&charset::guess(text));
            return pass_on(&mut self.text);
        }
        let mut decoder = charset::Pieces::new(None);
        let mut pieces = text.chunks(PIECE).peekable();
        while let Some(piece) = pieces.next() {
            decoder.push(piece, pieces.peek().is_none(), &mut self.text);
            if pass_on(&mut self.text) {
                return true;
            }
        }
        false
    }

    fn flush(&mut self) {
        if let Some((_, mut decoder)) = self.words.take() {
            decoder.push(&[], true, &mut self.text);
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

    #[test]
    fn long_texts_come_in_pieces() {
        let words = "=?utf-8?q?=C3=BC_?=\r\n ".repeat(20_000);
        let plain = "Grüße, Welt ".repeat(20_000);
        let mixed = format!("{plain}{words}{plain}");
        for raw in ["", "x", &plain, &words, &mixed] {
            let (mut all, mut longest) = (String::new(), 0);
            let had_enough = decode_pieces(raw.as_bytes(), |piece| {
                all.push_str(piece);
                longest = longest.max(piece.len());
                false
            });
            assert!(!had_enough && longest <= 3 * PIECE, "{longest}");
            assert_eq!(all, decode_text(raw.as_bytes()));
        }
        let mut count = 0;
        let enough = decode_pieces(mixed.as_bytes(), |_| {
            count += 1;
            count == 2
        });
        assert!(enough && count == 2);
    }
}
