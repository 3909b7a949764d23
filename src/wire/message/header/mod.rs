//! The header of a message or part: its fields with their offsets, and what their texts say.
//!
//! RFC 5322 §2.2 (fields, folding), §4.5 (obsolete: blanks before the colon). A line end is CRLF or, for files that other
//! programs left in a Maildir, LF alone.

mod date;
mod encoded_word;
mod listed;
mod message_id;

use std::borrow::Cow;

use crate::wire::message::line;

pub use date::{sent_at, sent_at_zone, sent_date, sorted_at};
pub use encoded_word::{decode_pieces, decode_text};
pub use listed::{is_all, is_listed, listed_fields};
pub use message_id::thread_ids;

/// A field of a header, or a line that is none (then `name` is empty).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name, without blanks; empty for a line that is no field, such as mbox's `From `.
    pub name: &'a [u8],
    /// What comes after the colon, folded as it stands, without the last line end.
    pub value: &'a [u8],
    /// Offset of the name in the block.
    pub start: usize,
    /// Offset of what comes after the field's last line end.
    pub end: usize,
}

impl Field<'_> {
    /// Whether it has this name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a header, in order, up to the blank line or the end.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    block: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields of this block: a header alone, or a whole message.
    pub fn new(block: &'a [u8]) -> Self {
        Self { block, at: 0 }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let start = self.at;
        let rest = self.block.get(start..)?;
        let first = line::first(rest);
        if first.is_empty() || line::is_blank(first) {
            return None;
        }
        let mut length = first.len();
        // RFC 5322 §2.2.3: a line that begins with a blank goes on with the field. A line of blanks only does too (§4.2).
        while let Some(more) = rest
            .get(length..)
            .map(line::first)
            .filter(|more| matches!(more.first(), Some(b' ' | b'\t')))
        {
            length = length.saturating_add(more.len());
        }
        self.at = start.saturating_add(length);
        let raw = line::without_end(rest.get(..length).unwrap_or_default());
        let (name, value) = split(raw).unwrap_or((b"", raw));
        Some(Field {
            name,
            value,
            start,
            end: self.at,
        })
    }
}

/// The name and the value; none if the line is no field.
fn split(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', raw)?;
    let (name, value) = raw.split_at_checked(colon)?;
    let name = name.trim_ascii_end();
    let is_name = !name.is_empty() && name.iter().all(|octet| octet.is_ascii_graphic());
    is_name.then_some((name, value.get(1..).unwrap_or_default()))
}

/// The value on one line: line ends taken out (RFC 5322 §2.2.3), blanks around it too.
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if memchr::memchr2(b'\r', b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n')).collect())
}

/// Whether this begin of a message has its header whole: there is a blank line.
pub fn is_whole(begin: &[u8]) -> bool {
    memchr::memmem::find(begin, b"\r\n\r\n").is_some()
        || memchr::memmem::find(begin, b"\n\n").is_some()
        || begin.starts_with(b"\r\n")
        || begin.starts_with(b"\n")
}

/// The first field of this name in the block, raw.
pub fn find<'a>(block: &'a [u8], name: &str) -> Option<&'a [u8]> {
    Fields::new(block).find(|field| field.is(name)).map(|field| field.value)
}

/// The fields named, or with `not` all but these, as they stand, with a blank line behind them: `BODY[HEADER.FIELDS (…)]`
/// (RFC 3501 §6.4.5).
pub fn header_fields<N: AsRef<[u8]>>(raw_header: &[u8], names: &[N], not: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for field in Fields::new(raw_header) {
        let named = names.iter().any(|name| name.as_ref().eq_ignore_ascii_case(field.name));
        if named != not {
            out.extend_from_slice(raw_header.get(field.start..field.end).unwrap_or_default());
            line::end(&mut out);
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] =
        b"From x Tue Feb  3 10:00:00 2026\r\nSubject: a\r\n  b\r\nno colon\r\nX-A :1\n\tc\r\nsubject:\r\n\r\nTo: body\r\n";

    #[test]
    fn fields_have_names_values_and_offsets() {
        let found: Vec<_> = Fields::new(HEADER).map(|it| (it.name, it.value)).collect();
        let expected: [(&[u8], &[u8]); 5] = [
            (b"", b"From x Tue Feb  3 10:00:00 2026"),
            (b"Subject", b" a\r\n  b"),
            (b"", b"no colon"),
            (b"X-A", b"1\n\tc"),
            (b"subject", b""),
        ];
        assert_eq!(found, expected);
        for (field, next) in Fields::new(HEADER).zip(Fields::new(HEADER).skip(1)) {
            assert_eq!(field.end, next.start);
        }
        assert_eq!(unfold(b" a\r\n  b\n"), &b"a  b"[..]);
        assert_eq!(find(HEADER, "SUBJECT"), Some(&b" a\r\n  b"[..]));
        assert_eq!(find(HEADER, "To"), None);
    }

    #[test]
    fn fields_are_picked_by_name() {
        let picked = |names: &[&str], not| String::from_utf8(header_fields(HEADER, names, not)).unwrap();
        assert_eq!(picked(&["SUBJECT", "to"], false), "Subject: a\r\n  b\r\nsubject:\r\n\r\n");
        assert_eq!(
            picked(&["subject"], true),
            "From x Tue Feb  3 10:00:00 2026\r\nno colon\r\nX-A :1\n\tc\r\n\r\n"
        );
        assert_eq!(picked(&[], false), "\r\n");
        assert_eq!(header_fields(b"To: a", &["to"], false), b"To: a\r\n\r\n");
        assert_eq!(header_fields(b"", &["to"], true), b"\r\n");
    }
}
