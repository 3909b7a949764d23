//! The header of a message while it comes in, and what a submitted one must have (RFC 6409 §8).

use jiff::Timestamp;

use super::trace;
use crate::model::ids::MailId;
use crate::wire::message::header;

/// The most octets of a header that are looked at.
const MOST: usize = 262_144;

/// The header so far: the octets up to the first empty line.
#[derive(Debug, Default)]
pub(super) struct Head {
    octets: Vec<u8>,
    ended: bool,
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
            self.octets.truncate(MOST);
            self.ended = true;
        }
    }

    /// The Date and Message-ID lines that a submitted message lacks (RFC 6409 §8.2, §8.3).
    pub(super) fn missing(&self, hostname: &str, id: MailId, now: Timestamp) -> String {
        let mut lines = String::new();
        if header::find(&self.octets, "Date").is_none() {
            lines.push_str(&format!("Date: {}\r\n", trace::date(now)));
        }
        if header::find(&self.octets, "Message-ID").is_none() {
            lines.push_str(&format!("Message-ID: <{id}@{hostname}>\r\n"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
