//! Delivery status notifications: a text for people first, then the fields for programs, then the message or its header.
//!
//! Called by `mail::dispatch`. The original message is not held in memory: a notification is what comes before it and what comes
//! after it, and the caller writes the message's octets between the two.
//!
//! RFC 3464 §2 (the fields), RFC 6522 §3 (multipart/report), RFC 3461 §6 (what to return), RFC 3834 §5 (Auto-Submitted),
//! RFC 6533 §3 (internationalised addresses).

mod advice;

use jiff::Timestamp;

use super::compose::{date, header, message_id};
use crate::model::address::EmailAddress;

/// What became of a recipient (RFC 3464 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It was not delivered, and will not be.
    Failed,
    /// It was not delivered yet, and is tried further.
    Delayed,
    /// It was given to a server that reports nothing further.
    Relayed,
}

/// What is to be told of one recipient.
#[derive(Debug, Clone)]
pub struct Fate {
    pub recipient: EmailAddress,
    /// `type;address` as the sender gave it (RFC 3461 §4.2).
    pub orcpt: Option<String>,
    pub action: Action,
    /// The enhanced status code, such as `5.1.1`.
    pub status: String,
    /// The server that said `text`; none if it is our own finding.
    pub host: Option<String>,
    /// The reply or finding, on one line.
    pub text: String,
    pub last_attempt: Option<Timestamp>,
}

/// How much of the original message follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// All of it.
    Full,
    /// Its header only.
    Headers,
    /// Nothing: it is lost.
    Nothing,
}

/// A notification to be spelled.
#[derive(Debug)]
pub struct Notification<'a> {
    /// Used once: it makes the Message-ID and the boundary.
    pub unique: &'a str,
    /// The server's name.
    pub host: &'a str,
    pub to: &'a EmailAddress,
    pub date: Timestamp,
    /// When the message came.
    pub arrival: Timestamp,
    /// When the message's time was over, or will be.
    pub expiry: Timestamp,
    /// The sender's own mark (RFC 3461 §4.4).
    pub envid: Option<&'a str>,
    pub fates: &'a [Fate],
    pub returned: Returned,
}

/// The octets around the original message.
#[derive(Debug, PartialEq, Eq)]
pub struct Spelled {
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

impl Notification<'_> {
    /// Spells it.
    pub fn spell(&self) -> Spelled {
        let boundary = format!("=_{}", self.unique);
        let mut out = Vec::with_capacity(4096);
        self.head(&mut out, &boundary);
        self.people(&mut out, &boundary);
        self.programs(&mut out, &boundary);
        let kind = match self.returned {
            Returned::Full => Some("message/rfc822"),
            Returned::Headers => Some("text/rfc822-headers"),
            Returned::Nothing => None,
        };
        let mut after = Vec::new();
        if let Some(kind) = kind {
            part(&mut out, &boundary, kind, "8bit");
            after.extend_from_slice(b"\r\n");
        }
        after.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Spelled { before: out, after }
    }

    fn any(&self, action: Action) -> bool {
        self.fates.iter().any(|fate| fate.action == action)
    }

    fn head(&self, out: &mut Vec<u8>, boundary: &str) {
        let subject = if self.any(Action::Failed) {
            "Undelivered: your message could not be delivered"
        } else if self.any(Action::Delayed) {
            "Delayed: your message is still on its way"
        } else {
            "Delivered: your message was passed on"
        };
        let report = format!("multipart/report; report-type=delivery-status; boundary=\"{boundary}\"");
        for (name, value) in [
            ("Date", date(self.date)),
            ("From", format!("Mail Delivery System <MAILER-DAEMON@{}>", self.host)),
            ("To", self.to.to_string()),
            ("Subject", subject.to_owned()),
            ("Message-ID", message_id(self.unique, self.host)),
            // RFC 3834 §5: nobody is to answer this automatically.
            ("Auto-Submitted", "auto-replied".to_owned()),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-Type", report),
            ("Content-Transfer-Encoding", "8bit".to_owned()),
        ] {
            header(out, name, &value);
        }
        line(out, "");
        line(out, "This is a report in MIME form.");
    }

    /// RFC 6522 §3: first what people read.
    fn people(&self, out: &mut Vec<u8>, boundary: &str) {
        part(out, boundary, "text/plain; charset=utf-8", "8bit");
        line(out, &format!("This is the mail server {}.", self.host));
        let late = format!(
            "Your message could not be delivered yet to the following. You need not send it again: it is tried until {}.",
            date(self.expiry)
        );
        for (action, intro) in [
            (
                Action::Failed,
                "Your message could not be delivered to the following, and it will not be tried again:",
            ),
            (Action::Delayed, late.as_str()),
            (
                Action::Relayed,
                "Your message was passed on to another server, which will not report what becomes of it, for:",
            ),
        ] {
            let mut fates = self.fates.iter().filter(|fate| fate.action == action).peekable();
            if fates.peek().is_some() {
                line(out, "");
                line(out, intro);
            }
            for fate in fates {
                line(out, "");
                line(out, &format!("  {}", fate.recipient));
                self.explain(out, fate);
            }
        }
        line(out, "");
        match self.returned {
            Returned::Full => line(out, "Your message is attached below."),
            Returned::Headers => line(out, "The header of your message is attached below."),
            Returned::Nothing => line(out, "The content of your message is lost and cannot be returned."),
        }
    }

    fn explain(&self, out: &mut Vec<u8>, fate: &Fate) {
        if fate.action != Action::Relayed {
            if fate.action == Action::Failed && fate.status.starts_with('4') {
                let span = advice::span(self.arrival, self.expiry);
                line(out, &format!("    It was tried for {span} without success. The last problem:"));
            }
            line(out, &format!("    {}", advice::advice(&fate.status)));
        }
        let text: String = fate.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        match &fate.host {
            Some(host) => line(out, &format!("    The server {host} said: {text}")),
            None => line(out, &format!("    In technical words: {text}")),
        }
    }

    /// RFC 3464 §2: then what programs read.
    fn programs(&self, out: &mut Vec<u8>, boundary: &str) {
        part(out, boundary, "message/delivery-status", "7bit");
        if let Some(envid) = self.envid {
            header(out, "Original-Envelope-Id", &ascii(envid));
        }
        header(out, "Reporting-MTA", &format!("dns; {}", self.host));
        header(out, "Arrival-Date", &date(self.arrival));
        for fate in self.fates {
            line(out, "");
            if let Some((kind, address)) = fate.orcpt.as_deref().and_then(|orcpt| orcpt.split_once(';')) {
                header(out, "Original-Recipient", &ascii(&format!("{kind};{address}")));
            }
            header(out, "Final-Recipient", &typed(&fate.recipient));
            let action = match fate.action {
                Action::Failed => "failed",
                Action::Delayed => "delayed",
                Action::Relayed => "relayed",
            };
            header(out, "Action", action);
            header(out, "Status", &fate.status);
            if let Some(host) = &fate.host {
                header(out, "Remote-MTA", &format!("dns; {}", ascii(host)));
                header(out, "Diagnostic-Code", &format!("smtp; {}", ascii(&fate.text)));
            }
            if let Some(at) = fate.last_attempt {
                header(out, "Last-Attempt-Date", &date(at));
            }
            // RFC 3464 §2.3.9: for what is delayed only.
            if fate.action == Action::Delayed {
                header(out, "Will-Retry-Until", &date(self.expiry));
            }
        }
    }
}

/// The delimiter and header of a part.
fn part(out: &mut Vec<u8>, boundary: &str, kind: &str, encoding: &str) {
    line(out, "");
    line(out, &format!("--{boundary}"));
    header(out, "Content-Type", kind);
    header(out, "Content-Transfer-Encoding", encoding);
    line(out, "");
}

/// A line of text; one that is too long for a message is cut (RFC 5322 §2.1.1).
fn line(out: &mut Vec<u8>, text: &str) {
    let cut = text.get(..text.floor_char_boundary(990)).unwrap_or_default();
    out.extend_from_slice(cut.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// An address with its type; one that is not ASCII in the form for 7 bits (RFC 6533 §3).
fn typed(address: &EmailAddress) -> String {
    let text = address.to_string();
    if text.is_ascii() {
        return format!("rfc822; {text}");
    }
    let mut out = "utf-8; ".to_owned();
    for c in text.chars() {
        match c {
            '!'..='~' if !matches!(c, '+' | '=' | '\\') => out.push(c),
            c => out.push_str(&format!("\\x{{{:02X}}}", u32::from(c))),
        }
    }
    out
}

/// The fields for programs are ASCII (RFC 3464 §2.1.2).
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests;
