//! Searching in messages: decoded, in any charset, whatever the case.
//!
//! Texts are compared in a folded form like that of i;unicode-casemap (RFC 5051 §2): cases made one, characters decomposed. Bodies are
//! decoded and searched in pieces, so that a message of any size needs little memory.

use memchr::memmem::{self, Finder};
use unicode_normalization::char::decompose_compatible;

use super::charset;
use super::header::{Field, Fields, decode_pieces};
use super::structure::{Part, Structure};
use super::transfer::{Decoder, Encoding};

/// Octets of an encoded body that are decoded at a time.
const PIECE: usize = 65_536;

/// A text to look for, folded, with its search prepared.
#[derive(Debug, Clone)]
pub struct Needle {
    finder: Finder<'static>,
    form: Form,
}

/// What the folded text looks like: how it can stand in ASCII that is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Only characters of ASCII without blanks and colons: in a header it stands on one line, as it is.
    Word,
    /// Only characters of ASCII.
    Ascii,
    /// Others too: it is in no text of ASCII.
    Wide,
}

impl Needle {
    /// The text to look for; the empty text is in every text.
    pub fn new(text: &str) -> Self {
        let mut folded = String::new();
        fold(text, &mut folded);
        let form = match folded.is_ascii() {
            true if folded.bytes().all(|octet| octet.is_ascii_graphic() && octet != b':') => Form::Word,
            true => Form::Ascii,
            false => Form::Wide,
        };
        Self {
            finder: Finder::new(folded.as_bytes()).into_owned(),
            form,
        }
    }

    /// Whether the text is in this one.
    pub fn is_in(&self, text: &str) -> bool {
        let mut folded = String::with_capacity(text.len());
        fold(text, &mut folded);
        self.is_in_folded(folded.as_bytes())
    }

    fn is_in_folded(&self, folded: &[u8]) -> bool {
        self.finder.find(folded).is_some()
    }

    /// Whether a look at the header as it stands rules the text out: a header of ASCII without encoded words has no more than can be
    /// seen, whatever its case.
    fn is_surely_not_in(&self, header: &[u8]) -> bool {
        if self.form == Form::Ascii || !header.is_ascii() || memmem::find(header, b"=?").is_some() {
            return false;
        }
        !self.is_in_ascii(header)
    }

    /// Whether the text is in this one of ASCII, which is folded a piece at a time.
    fn is_in_ascii(&self, text: &[u8]) -> bool {
        if self.form == Form::Wide {
            return false;
        }
        let overlap = self.len().saturating_sub(1);
        let mut folded = Vec::with_capacity(text.len().min(PIECE.saturating_add(overlap)));
        let mut start: usize = 0;
        loop {
            let end = start.saturating_add(PIECE).saturating_add(overlap).min(text.len());
            folded.clear();
            folded.extend_from_slice(text.get(start..end).unwrap_or_default());
            folded.make_ascii_lowercase();
            if self.is_in_folded(&folded) {
                return true;
            }
            if end == text.len() {
                return false;
            }
            start = start.saturating_add(PIECE);
        }
    }

    /// The folded text.
    pub(super) fn folded(&self) -> &str {
        std::str::from_utf8(self.finder.needle()).unwrap_or_default()
    }

    /// Octets of the folded text.
    fn len(&self) -> usize {
        self.finder.needle().len()
    }
}

/// Adds the folded text to `out`.
pub(super) fn fold(text: &str, out: &mut String) {
    let mut rest = text;
    while !rest.is_empty() {
        let ascii = rest.bytes().position(|octet| !octet.is_ascii()).unwrap_or(rest.len());
        let (plain, tail) = rest.split_at_checked(ascii).unwrap_or((rest, ""));
        let from = out.len();
        out.push_str(plain);
        if let Some(added) = out.get_mut(from..) {
            added.make_ascii_lowercase();
        }
        let mut chars = tail.chars();
        if let Some(char) = chars.next() {
            fold_char(char, out);
        }
        rest = chars.as_str();
    }
}

/// By way of the upper case, since `ß` and `ς` have more than one lower form; so are the parts, of which one may be such a letter.
fn fold_char(char: char, out: &mut String) {
    for lower in char.to_uppercase().flat_map(char::to_lowercase) {
        decompose_compatible(lower, |part| out.extend(part.to_uppercase().flat_map(char::to_lowercase)));
    }
}

/// Whether a field of the header block has the text in its value: of the fields called `name`, or of all with their names.
pub fn header_contains(raw_header_block: &[u8], name: Option<&str>, needle: &Needle) -> bool {
    if needle.is_surely_not_in(raw_header_block) {
        return false;
    }
    let mut window = Window::new(needle);
    Fields::new(raw_header_block).any(|field| match name {
        Some(name) => field.is(name) && window.has_value(&field),
        None => window.has_field(&field),
    })
}

/// Whether the text is in the body: in a text part, or in the header of an inner part or message; with `headers_too`, also in the
/// message's own header (RFC 3501 §6.4.4: BODY and TEXT).
pub fn text_contains(raw_message: &[u8], structure: &Structure, needle: &Needle, headers_too: bool) -> bool {
    let octets = |range: &std::ops::Range<u64>| {
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        raw_message.get(at(range.start)..at(range.end)).unwrap_or_default()
    };
    structure.parts().enumerate().any(|(number, part)| {
        let header = number > 0 || headers_too;
        (header && header_contains(octets(&part.header), None, needle))
            || (is_readable(part) && body_contains(octets(&part.body), part, needle))
    })
}

/// Whether the body of the part is text for people: text of all kinds, and reports (message/delivery-status and its like).
pub(super) fn is_readable(part: &Part) -> bool {
    part.is_text() || (part.media_type.eq_ignore_ascii_case("message") && part.embedded.is_none())
}

fn body_contains(body: &[u8], part: &Part, needle: &Needle) -> bool {
    let encoding = Encoding::named(part.encoding.as_deref());
    if encoding == Encoding::Identity && body.is_ascii() && charset::has_ascii(part.param("charset")) {
        return needle.is_in_ascii(body);
    }
    let mut window = Window::new(needle);
    decoded(body, part, |text| window.push(text))
}

/// Gives the text of a part to `each`, a piece at a time, until it has enough. Whether it had.
pub(super) fn decoded(body: &[u8], part: &Part, mut each: impl FnMut(&str) -> bool) -> bool {
    let mut transfer = Decoder::new(Encoding::named(part.encoding.as_deref()));
    let mut text = charset::Pieces::new(part.param("charset"));
    let (mut octets, mut decoded) = (Vec::new(), String::new());
    for piece in body.chunks(PIECE) {
        octets.clear();
        decoded.clear();
        transfer.push(piece, &mut octets);
        text.push(&octets, false, &mut decoded);
        if each(&decoded) {
            return true;
        }
    }
    octets.clear();
    decoded.clear();
    transfer.finish(&mut octets);
    text.push(&octets, true, &mut decoded);
    each(&decoded)
}

/// The folded text of the latest piece, with so much of the one before that no hit is cut in two.
struct Window<'a> {
    needle: &'a Needle,
    folded: String,
}

impl<'a> Window<'a> {
    fn new(needle: &'a Needle) -> Self {
        let folded = String::new();
        Self { needle, folded }
    }

    /// Whether it is in the value of a field, of which nothing was pushed yet.
    fn has_value(&mut self, field: &Field<'_>) -> bool {
        self.folded.clear();
        decode_pieces(field.value, |text| self.push(text))
    }

    /// Whether it is in a field: its name, a colon, a blank and its value.
    fn has_field(&mut self, field: &Field<'_>) -> bool {
        self.folded.clear();
        self.push(&String::from_utf8_lossy(field.name)) || self.push(": ") || decode_pieces(field.value, |text| self.push(text))
    }

    fn push(&mut self, text: &str) -> bool {
        let mut keep = self.folded.len().saturating_sub(self.needle.len());
        while !self.folded.is_char_boundary(keep) {
            keep = keep.saturating_sub(1);
        }
        self.folded.drain(..keep);
        fold(text, &mut self.folded);
        self.needle.is_in_folded(self.folded.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::header::decode_text;

    fn in_message(message: &[u8], text: &str) -> (bool, bool) {
        let (structure, needle) = (Structure::parse(message), Needle::new(text));
        (
            text_contains(message, &structure, &needle, false),
            text_contains(message, &structure, &needle, true),
        )
    }

    #[test]
    fn cases_and_forms_are_one() {
        let table = [
            ("GRÜSSE", "Grüße", true),
            ("gru\u{308}ße", "GRÜSSE", true),
            ("ΟΔΟΣ", "οδος", true),
            ("", "", true),
            ("", "x", true),
            ("x", "", false),
            ("abc", "xABCy", true),
            ("ﬁn", "FIN", true),
            ("日本", "私は日本", true),
            ("u", "v", false),
        ];
        for (needle, text, found) in table {
            assert_eq!(Needle::new(needle).is_in(text), found, "{needle} in {text}");
        }
    }

    #[test]
    fn headers_are_searched_decoded() {
        let header = b"From: =?utf-8?q?J=C3=BCrgen?= <j@x>\r\nX-Empty:\r\nSubject: a\r\n  b\r\n\r\nFrom: body\r\n";
        let table = [
            (Some("from"), "jürgen", true),
            (Some("From"), "body", false),
            (Some("X-Empty"), "", true),
            (Some("X-None"), "", false),
            (Some("subject"), "a  B", true),
            (None, "from: Jür", true),
            (None, "body", false),
        ];
        for (name, text, found) in table {
            assert_eq!(header_contains(header, name, &Needle::new(text)), found, "{name:?} {text}");
        }
    }

    #[test]
    fn fields_of_any_length_are_searched_in_pieces() {
        let long = "日本 Grüße ".repeat(50_000);
        let header = format!("Subject: {long}NEEDLE\r\nX-Long-{}: y\r\n\r\n", "n".repeat(100));
        for (name, text, found) in [
            (None, "needle", true),
            (Some("subject"), "GRÜSSE needle", true),
            (Some("subject"), "needles", false),
            (None, "n: y", true),
        ] {
            assert_eq!(header_contains(header.as_bytes(), name, &Needle::new(text)), found, "{text}");
        }
    }

    #[test]
    fn bodies_are_searched_decoded() {
        let message = b"Subject: outer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
            Content-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n\r\n8NLJ18XUIM3J0g==\r\n--b\r\n\
            Content-Type: application/pdf; name=secret.pdf\r\n\r\ninvisible\r\n--b\r\n\
            Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nlast =3D words\r\n--b--\r\n";
        assert_eq!(in_message(message, "ПРИВЕТ мир"), (true, true));
        assert_eq!(in_message(message, "outer"), (false, true));
        assert_eq!(in_message(message, "inner"), (true, true));
        assert_eq!(in_message(message, "secret.pdf"), (true, true));
        assert_eq!(in_message(message, "invisible"), (false, false));
        assert_eq!(in_message(message, "Last =3D"), (true, true));
    }

    /// What is looked at without decoding gives what decoding would.
    #[test]
    fn short_cuts_change_nothing() {
        let fields = [
            "Subject: Hello\r\n World: x",
            "X-A :b",
            "From:=?utf-8?q?caf=C3=A9?=",
            "To: Caf\u{e9}",
            "X-Empty:",
            "no colon",
            "",
        ];
        let needles = [
            "",
            "hello",
            "o\r\n",
            "o world",
            "x-a: b",
            "x-a:",
            "a :b",
            "caf\u{c9}",
            "=c3",
            "cafe",
            "colon",
            "x",
            "\u{212a}",
        ];
        for field in fields {
            let header = format!("{field}\r\n\r\n");
            for text in needles {
                let needle = Needle::new(text);
                let slow = Fields::new(header.as_bytes())
                    .any(|field| needle.is_in(&format!("{}: {}", String::from_utf8_lossy(field.name), decode_text(field.value))));
                assert_eq!(header_contains(header.as_bytes(), None, &needle), slow, "{text:?} in {header:?}");
            }
        }
        for (charset, found) in [
            ("us-ascii", true),
            ("utf-8", true),
            ("x-unknown", true),
            ("utf-7", false),
            ("utf-16", false),
        ] {
            let message = format!("Content-Type: text/plain; charset={charset}\r\n\r\nGr+APw-n");
            assert_eq!(in_message(message.as_bytes(), "gr+apw-"), (found, found), "{charset}");
        }
    }

    #[test]
    fn a_hit_over_the_edge_of_pieces_is_found() {
        for shift in [0, 1, 2, 3, 4, 5, 6, 7, 8, 20] {
            let mut message = b"Content-Type: text/plain; charset=utf-8\r\n\r\n".to_vec();
            message.extend(std::iter::repeat_n(b'.', PIECE - shift));
            let mut plain = message.clone();
            message.extend_from_slice("Grüße, Welt".as_bytes());
            assert_eq!(in_message(&message, "GRÜSSE, w"), (true, true), "shifted by {shift}");
            plain.extend_from_slice(b"Hello, World");
            assert_eq!(in_message(&plain, "HELLO, w"), (true, true), "shifted by {shift}");
            assert_eq!(in_message(&plain, "HELLO, worlds"), (false, false), "shifted by {shift}");
        }
    }
}
