//! The fields that mail clients list, sort and search messages by: what is worth keeping beside the message.

use super::{Fields, header_fields};
use crate::wire::message::line;

/// The most octets of these fields of a message that are given out together, and of a field where they are more.
const MOST: usize = 16_384;
const MOST_OF_FIELD: usize = 2_048;

/// In lower case, sorted. What Thunderbird, Apple Mail, Outlook, K-9, mutt, Roundcube and SnappyMail ask for when they list a mailbox;
/// none of the long ones that servers add on the way.
const LISTED: [&str; 40] = [
    "auto-submitted",
    "bcc",
    "cc",
    "content-class",
    "content-description",
    "content-transfer-encoding",
    "content-type",
    "date",
    "delivered-to",
    "disposition-notification-to",
    "from",
    "importance",
    "in-reply-to",
    "lines",
    "list-id",
    "list-post",
    "list-subscribe",
    "list-unsubscribe",
    "mail-followup-to",
    "mail-reply-to",
    "message-id",
    "mime-version",
    "newsgroups",
    "precedence",
    "priority",
    "references",
    "reply-to",
    "resent-message-id",
    "return-path",
    "return-receipt-to",
    "sender",
    "subject",
    "to",
    "user-agent",
    "x-draft-info",
    "x-label",
    "x-mailer",
    "x-priority",
    "x-spam-flag",
    "x-uniform-type-identifier",
];

/// Whether a field of this name, in any case, is among these.
pub fn is_listed(name: &[u8]) -> bool {
    LISTED.binary_search_by(|known| compare(known.as_bytes(), name)).is_ok()
}

/// These fields of a header as they stand, with a blank line behind them. Where they are longer than any that people write, the begins of
/// the first of each name without the blank line: for [`is_all`] to tell, and enough to sort by.
pub fn listed_fields(header: &[u8]) -> Vec<u8> {
    let all = header_fields(header, &LISTED, false);
    if all.len() <= MOST {
        return all;
    }
    let (mut begins, mut names) = (Vec::with_capacity(MOST), Vec::new());
    for field in Fields::new(&all) {
        if names.iter().any(|name: &&[u8]| name.eq_ignore_ascii_case(field.name)) {
            continue;
        }
        names.push(field.name);
        let raw = all.get(field.start..field.end).unwrap_or_default();
        let begin = raw.get(..MOST_OF_FIELD).unwrap_or(raw);
        if begins.len().saturating_add(begin.len()) >= MOST {
            break;
        }
        begins.extend_from_slice(begin);
        line::end(&mut begins);
    }
    begins
}

/// Whether [`listed_fields`] gave these fields whole.
pub fn is_all(listed: &[u8]) -> bool {
    listed == b"\r\n" || listed.ends_with(b"\n\r\n")
}

/// The order of `known`, which is in lower case, and a name in any.
fn compare(known: &[u8], name: &[u8]) -> std::cmp::Ordering {
    known.iter().copied().cmp(name.iter().map(u8::to_ascii_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        assert!(LISTED.is_sorted());
        for name in LISTED {
            assert!(
                is_listed(name.as_bytes()) && is_listed(name.to_ascii_uppercase().as_bytes()),
                "{name}"
            );
        }
        for name in ["", "received", "subjec", "subjects", "x-anything"] {
            assert!(!is_listed(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn listed_fields_are_taken_out() {
        let header = b"Received: a\r\n b\r\nSUBJECT: c\r\n d\r\nX-Other: e\r\nFrom: f\r\n\r\nTo: g\r\n";
        assert_eq!(listed_fields(header), b"SUBJECT: c\r\n d\r\nFrom: f\r\n\r\n");
        for cut in ["To: a", "To: a\r", "To: a\r\n"] {
            assert_eq!(listed_fields(cut.as_bytes()), b"To: a\r\n\r\n", "{cut:?}");
        }
    }

    #[test]
    fn long_fields_are_cut() {
        let long = "a@b.test,\r\n ".repeat(3_000);
        let header = format!("To: {long}x@y\r\nTo: again\r\nSubject: s\r\nX-Other: e\r\nFrom: f\r\n\r\n");
        let cut = listed_fields(header.as_bytes());
        assert!(!is_all(&cut) && cut.len() <= MOST_OF_FIELD + 100);
        let names: Vec<&[u8]> = Fields::new(&cut).map(|field| field.name).collect();
        assert_eq!(names, [&b"To"[..], b"Subject", b"From"]);
        for whole in ["", "X-Other: e\r\n\r\n", "To: a\nSubject: b\n\n"] {
            assert!(is_all(&listed_fields(whole.as_bytes())), "{whole:?}");
        }
        let many: String = (0..9).map(|at| format!("{}: {long}\r\n", LISTED[at])).collect();
        let cut = listed_fields(many.as_bytes());
        assert!(!is_all(&cut) && cut.len() <= MOST);
    }
}
