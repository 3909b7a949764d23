//! The header of a message while it comes in, and what a submitted one must have (RFC 6409 §8).

use jiff::Timestamp;

use super::trace;
use crate::model::address::{Domain, EmailAddress, Host};
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;
use crate::wire::message::header;
use crate::wire::message::structure::{Address, addresses};

/// The most octets of a header that are looked at.
const MOST: usize = 262_144;

/// The longest Message-ID that a message is found by: a line may be no longer (RFC 5322 §2.1.1).
const MOST_MESSAGE_ID: usize = 998;

/// The header so far: the octets up to the first empty line.
#[derive(Debug, Default)]
pub(super) struct Head {
    octets: Vec<u8>,
    ended: bool,
    /// Whether there was more of it than is kept.
    cut_short: bool,
}

impl Head {
    /// Takes in the next octets of the message; those after the header are not kept.
    pub(super) fn write(&mut self, octets: &[u8]) {
        if self.ended {
            return;
        }
        // The empty line may begin in what came before.
        let from = self.octets.len().saturating_sub(3);
        self.octets.extend_from_slice(octets);
        let end = self.octets.get(from..).and_then(|new| memchr::memmem::find(new, b"\r\n\r\n"));
        if let Some(end) = end {
            self.octets.truncate(from + end + 2);
            self.ended = true;
        } else if self.octets.starts_with(b"\r\n") || self.octets.len() > MOST {
            self.cut_short = self.octets.len() > MOST && !self.octets.starts_with(b"\r\n");
            self.octets.truncate(MOST);
            self.ended = true;
        }
    }

    /// The octets of the header, without the empty line behind it. Errors: BadMessage if there is more of it than is looked at.
    pub(super) fn whole(&self) -> Result<&[u8], Refusal> {
        if self.cut_short {
            return Err(Refusal::BadMessage(format!("the header is larger than {MOST} octets")));
        }
        Ok(&self.octets)
    }

    /// The octets of the header, without the empty line behind it, as far as they are kept.
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The header as it is now.
    pub(super) fn replace(&mut self, octets: Vec<u8>) {
        self.octets = octets;
    }

    /// The addresses in From (RFC 5322 §3.6.2); those that are none are left out.
    pub(super) fn authors(&self) -> Vec<EmailAddress> {
        let from = header::find(&self.octets, "From").unwrap_or_default();
        addresses(from).into_iter().filter_map(author).collect()
    }

    /// Whether it says that it is to go whatever becomes of TLS (RFC 8689 §3).
    pub(super) fn is_tls_optional(&self) -> bool {
        header::find(&self.octets, "TLS-Required").is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"no"))
    }

    /// The Message-ID with its angle brackets (RFC 5322 §3.6.4), if there is one that can be looked for.
    pub(super) fn message_id(&self) -> Option<String> {
        let field = std::str::from_utf8(header::find(&self.octets, "Message-ID")?).ok()?;
        let (begin, end) = (field.find('<')?, field.rfind('>')?);
        let id = field.get(begin..=end)?;
        let is_plain = id.len() <= MOST_MESSAGE_ID && !id.chars().any(|c| c.is_whitespace() || c.is_control());
        is_plain.then(|| id.to_owned())
    }

    /// The Date and Message-ID lines that a submitted message lacks (RFC 6409 §8.2, §8.3).
    pub(super) fn missing(&self, hostname: &str, id: MailId, now: Timestamp) -> String {
        let mut lines = String::new();
        if header::find(&self.octets, "Date").is_none() {
            lines.push_str(&format!("Date: {}\r\n", trace::date(now)));
        }
        if header::find(&self.octets, "Message-ID").is_none() {
            lines.push_str(&format!("Message-ID: {}\r\n", made_message_id(id, hostname)));
        }
        lines
    }
}

/// The Message-ID of a submitted message that has none.
pub(super) fn made_message_id(id: MailId, hostname: &str) -> String {
    format!("<{id}@{hostname}>")
}

/// A member of the list as an address, if it is one.
pub(super) fn author(member: Address) -> Option<EmailAddress> {
    let Address::Mailbox { local, domain, .. } = member else {
        return None;
    };
    let (local, domain) = (String::from_utf8(local).ok()?, String::from_utf8(domain).ok()?);
    let host = Host::Domain(Domain::parse(&domain).ok()?);
    EmailAddress::new(&local, host).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authors_are_the_addresses_in_from() {
        let authors = |from: &str| {
            let mut head = Head::default();
            head.write(format!("Subject: x\r\nFrom: {from}\r\n\r\n").as_bytes());
            head.authors().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(authors("Ada <ada@h.test>"), "ada@h.test");
        assert_eq!(authors("\"B, b\" <b@h.test>,\r\n c@H.test"), "b@h.test c@h.test");
        assert_eq!(authors("nobody"), "");
    }

    #[test]
    fn tls_is_optional_where_the_message_says_so() {
        for (field, is_optional) in [
            ("TLS-Required: No", true),
            ("tls-required:no ", true),
            ("TLS-Required: yes", false),
            ("X: No", false),
        ] {
            let mut head = Head::default();
            head.write(format!("{field}\r\n\r\nTLS-Required: No\r\n").as_bytes());
            assert_eq!(head.is_tls_optional(), is_optional, "{field}");
        }
    }

    #[test]
    fn a_message_id_is_found_with_its_brackets() {
        let message_id = |field: &str| {
            let mut head = Head::default();
            head.write(format!("Message-ID: {field}\r\n\r\n").as_bytes());
            head.message_id()
        };
        assert_eq!(message_id(" <a.b@h.test> "), Some("<a.b@h.test>".to_owned()));
        for none in ["a.b@h.test", "<a", "> <", "<a b@h.test>", "<a\0@h.test>", ""] {
            assert_eq!(message_id(none), None, "{none:?}");
        }
    }

    fn missing(message: &str, piece: usize) -> String {
        let mut head = Head::default();
        message.as_bytes().chunks(piece).for_each(|octets| head.write(octets));
        head.missing("h.test", MailId(1), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_is_missing_is_added_and_what_is_there_is_not() {
        let (date, id) = ("Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n", "Message-ID: <0000000000001@h.test>\r\n");
        for piece in [1, 2, 3, 1000] {
            assert_eq!(missing("From: a@b.test\r\n\r\nDate: in the body\r\n", piece), format!("{date}{id}"));
            assert_eq!(missing("DATE: x\r\nSubject: y\r\n\r\n", piece), id);
            assert_eq!(missing("message-id: <x@y>\r\nDate: x\r\n\r\nz", piece), "");
            assert_eq!(missing("\r\nDate: x\r\n", piece), format!("{date}{id}"));
        }
    }
}
