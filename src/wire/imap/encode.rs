//! Data of responses as octets. Everything is appended to a buffer; nothing is allocated for an item.

use crate::model::ids::{MailboxId, Uid};
use crate::model::mailbox::Flags;

use super::cursor::is_atom;
use super::flag::{FORWARDED, SYSTEM, is_writable};
use super::utf7;

/// The longest text that is written in quotes; a longer one is a literal.
const MAX_QUOTED: usize = 1024;

/// A number in decimal.
pub fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut length = 0;
    for slot in digits.iter_mut().rev() {
        // A remainder of 10 fits into an octet.
        *slot = b'0' + (value % 10) as u8;
        length += 1;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - length..).unwrap_or_default());
}

/// A string: in quotes where that is possible, as a literal where it is not (RFC 3501 §4.3).
pub fn string(out: &mut Vec<u8>, octets: &[u8]) {
    let quotable = octets.len() <= MAX_QUOTED && octets.iter().all(|&b| (b' '..0x7f).contains(&b) || b == b'\t');
    if !quotable {
        literal_head(out, octets.len() as u64);
        // RFC 3501 §9 CHAR8: a literal has no NUL.
        return out.extend(octets.iter().map(|&b| if b == 0 { 0x80 } else { b }));
    }
    out.push(b'"');
    for &b in octets {
        if matches!(b, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(b);
    }
    out.push(b'"');
}

/// The size of a literal and its line end; the octets follow.
pub fn literal_head(out: &mut Vec<u8>, size: u64) {
    out.push(b'{');
    number(out, size);
    out.extend_from_slice(b"}\r\n");
}

/// The same for octets of any kind, NUL too (RFC 3516 §4.2 literal8).
pub fn literal8_head(out: &mut Vec<u8>, size: u64) {
    out.push(b'~');
    literal_head(out, size);
}

/// The begin of what is said of a message: `* 3 FETCH (`, or `* 17 UIDFETCH (` to a client that knows UIDs alone (RFC 9586 §3.2).
pub fn fetch_head(out: &mut Vec<u8>, sequence: u64, uid: Uid, uid_only: bool) {
    out.extend_from_slice(b"* ");
    number(out, if uid_only { uid.0.into() } else { sequence });
    out.extend_from_slice(if uid_only { b" UIDFETCH (" } else { b" FETCH (" });
}

/// A string or NIL.
pub fn nstring(out: &mut Vec<u8>, octets: Option<&[u8]>) {
    match octets {
        Some(octets) => string(out, octets),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// An atom where that is possible, else a string.
pub fn astring(out: &mut Vec<u8>, octets: &[u8]) {
    let atom = !octets.is_empty() && octets.iter().all(|&b| is_atom(b)) && !octets.eq_ignore_ascii_case(b"NIL");
    if atom {
        out.extend_from_slice(octets);
    } else {
        string(out, octets);
    }
}

/// `(F0123456789abc)`: MAILBOXID (RFC 8474 §4).
pub fn mailbox_id(out: &mut Vec<u8>, id: MailboxId) {
    out.extend_from_slice(format!("(F{id})").as_bytes());
}

/// A mailbox name: in UTF-8 for a client that has asked for it (RFC 6855 §3, RFC 9051 §5.1), else in modified UTF-7 (RFC 3501 §5.1.3).
pub fn mailbox(out: &mut Vec<u8>, name: &str, utf8: bool) {
    if !utf8 || name.is_ascii() {
        let name = if utf8 { name.into() } else { utf7::encode(name) };
        return astring(out, name.as_bytes());
    }
    // A mailbox name has no control character.
    out.push(b'"');
    for c in name.chars() {
        if matches!(c, '"' | '\\') {
            out.push(b'\\');
        }
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    out.push(b'"');
}

/// `(\Seen $Forwarded keyword)`
pub fn flags(out: &mut Vec<u8>, flags: Flags, keywords: &[String], recent: bool) {
    out.push(b'(');
    let begin = out.len();
    let mut put = |name: &str| {
        if out.len() > begin {
            out.push(b' ');
        }
        out.extend_from_slice(name.as_bytes());
    };
    if !flags.is_empty() {
        for (bit, name) in SYSTEM {
            if flags.contains(bit) {
                put(name);
            }
        }
        if flags.contains(Flags::FORWARDED) {
            put(FORWARDED);
        }
        for index in flags.keywords() {
            if let Some(name) = keywords.get(usize::from(index)).filter(|name| is_writable(name)) {
                put(name);
            }
        }
    }
    if recent {
        put("\\Recent");
    }
    out.push(b')');
}

/// Numbers in the order given, neighbours drawn together: `1:3,7` (RFC 4315 §4). Nothing for no number.
pub fn set(out: &mut Vec<u8>, numbers: impl IntoIterator<Item = u32>) {
    let mut open: Option<(u32, u32)> = None;
    let mut first_range = true;
    let mut close = |out: &mut Vec<u8>, first_and_last: (u32, u32)| {
        if !first_range {
            out.push(b',');
        }
        first_range = false;
        range(out, first_and_last);
    };
    for n in numbers {
        open = match open {
            Some((first, last)) if last.checked_add(1) == Some(n) => Some((first, n)),
            Some(range) => {
                close(out, range);
                Some((n, n))
            }
            None => Some((n, n)),
        };
    }
    if let Some(range) = open {
        close(out, range);
    }
}

/// `1:3`, or `7` where the first is the last.
pub fn range(out: &mut Vec<u8>, (first, last): (u32, u32)) {
    number(out, u64::from(first));
    if last != first {
        out.push(b':');
        number(out, u64::from(last));
    }
}

/// UIDs as a set.
pub fn uid_set(out: &mut Vec<u8>, uids: impl IntoIterator<Item = Uid>) {
    set(out, uids.into_iter().map(|uid| uid.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn numbers_are_written() {
        for n in [0, 1, 9, 10, 4_294_967_295, u64::MAX] {
            assert_eq!(text(|out| number(out, n)), n.to_string());
        }
    }

    #[test]
    fn strings_take_the_form_they_need() {
        for (octets, want) in [
            (&b""[..], "\"\""),
            (b"a b", "\"a b\""),
            (br#"a"\"#, r#""a\"\\""#),
            (b"a\r\nb", "{4}\r\na\r\nb"),
            ("é".as_bytes(), "{2}\r\né"),
        ] {
            assert_eq!(text(|out| string(out, octets)), want);
        }
        assert_eq!(text(|out| astring(out, b"INBOX")), "INBOX");
        assert_eq!(text(|out| astring(out, b"nil")), "\"nil\"");
        assert_eq!(text(|out| nstring(out, None)), "NIL");
        assert_eq!(text(|out| fetch_head(out, 3, Uid(17), false)), "* 3 FETCH (");
        assert_eq!(text(|out| fetch_head(out, 3, Uid(17), true)), "* 17 UIDFETCH (");
        assert_eq!(text(|out| mailbox(out, "Entwürfe", false)), "Entw&APw-rfe");
        assert_eq!(text(|out| mailbox(out, "Entwürfe \\x", true)), "\"Entwürfe \\\\x\"");
        assert_eq!(text(|out| mailbox(out, "a&b", true)), "a&b");
    }

    #[test]
    fn flags_are_listed() {
        let keywords = ["$Junk".to_owned(), "bad word".to_owned()];
        let keyword = |n| Flags::keyword(n).unwrap();
        let all = Flags::SEEN
            .with(Flags::ANSWERED)
            .with(Flags::FORWARDED)
            .with(keyword(0))
            .with(keyword(1))
            .with(keyword(7));
        assert_eq!(text(|out| flags(out, Flags::NONE, &keywords, false)), "()");
        assert_eq!(text(|out| flags(out, Flags::NONE, &keywords, true)), "(\\Recent)");
        assert_eq!(
            text(|out| flags(out, all, &keywords, true)),
            "(\\Answered \\Seen $Forwarded $Junk \\Recent)"
        );
    }

    #[test]
    fn sets_are_drawn_together() {
        for (numbers, want) in [
            (vec![], ""),
            (vec![1], "1"),
            (vec![1, 2, 3, 7, 9, 10], "1:3,7,9:10"),
            (vec![5, 4, 5, 6], "5,4:6"),
            (vec![u32::MAX], "4294967295"),
        ] {
            assert_eq!(text(|out| set(out, numbers.iter().copied())), want);
        }
    }
}
