//! The fields that mail clients list, sort and search messages by: what is worth keeping beside the message.

use super::header_fields;

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

/// These fields of a header as they stand, with a blank line behind them.
pub fn listed_fields(header: &[u8]) -> Vec<u8> {
    header_fields(header, &LISTED, false)
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
    }
}
