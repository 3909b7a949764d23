//! Replies: what a server says to a command.
//!
//! [`Reply`] is a value; [`Reply::encode`] spells it and [`Parser`] reads it. Every reply that our server can give is a
//! constant or function of this module, but for those that spell a refusal (`server/smtp/refusal.rs`).
//!
//! RFC 5321 §4.2 (replies), RFC 2034 §4 and RFC 3463 §2 (enhanced status codes).

mod named;
mod parser;

pub use named::*;
pub use parser::{BadReply, Limits, Parser};

use std::borrow::Cow;
use std::fmt;

/// A reply code, 200 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(u16);

impl Code {
    /// The code of three digits, of which the first is 2 to 5 (RFC 5321 §4.2).
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 200 && code <= 599 { Some(Self(code)) } else { None }
    }

    /// The number.
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// 2yz: done.
    pub const fn is_positive(self) -> bool {
        self.0 / 100 == 2
    }

    /// 3yz: go on (RFC 5321 §4.2.1), such as 354 and 334.
    pub const fn is_intermediate(self) -> bool {
        self.0 / 100 == 3
    }

    /// 4yz: not now, perhaps later.
    pub const fn is_temporary(self) -> bool {
        self.0 / 100 == 4
    }

    /// 5yz: no.
    pub const fn is_permanent(self) -> bool {
        self.0 / 100 == 5
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An enhanced status code such as `5.1.1` (RFC 3463 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnhancedStatus {
    class: u8,
    subject: u16,
    detail: u16,
}

impl EnhancedStatus {
    /// `class` is 2, 4 or 5; `subject` and `detail` are at most 999 (RFC 3463 §2).
    pub const fn new(class: u8, subject: u16, detail: u16) -> Option<Self> {
        if (class == 2 || class == 4 || class == 5) && subject <= 999 && detail <= 999 {
            Some(Self { class, subject, detail })
        } else {
            None
        }
    }

    /// 2 done, 4 temporary, 5 permanent.
    pub const fn class(self) -> u8 {
        self.class
    }

    /// What it is about: 1 address, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 policy.
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// The detail within the subject.
    pub const fn detail(self) -> u16 {
        self.detail
    }

    /// Reads `class.subject.detail`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|number| {
            let digits = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
            if digits { number.parse::<u16>().ok() } else { None }
        });
        let (class, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
        match numbers.next() {
            None => Self::new(u8::try_from(class).ok()?, subject, detail),
            Some(_) => None,
        }
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// A whole reply. Lines of the text are separated by `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: Code,
    status: Option<EnhancedStatus>,
    text: Cow<'static, str>,
}

impl Reply {
    /// A reply in our own words. A code or status out of range becomes 451 4.3.0, the reply of a server with a fault.
    pub(crate) const fn fixed(code: u16, status: (u8, u16, u16), text: &'static str) -> Self {
        Self::spelled(code, status, Cow::Borrowed(text))
    }

    /// Like [`Reply::fixed`], with a text made up at run time.
    pub(crate) fn worded(code: u16, status: (u8, u16, u16), text: String) -> Self {
        Self::spelled(code, status, Cow::Owned(text))
    }

    /// A reply without enhanced status: greeting, EHLO, 3yz (RFC 2034 §4 asks for none there).
    pub(crate) const fn bare(code: u16, text: Cow<'static, str>) -> Self {
        match Code::new(code) {
            Some(code) => Self { code, status: None, text },
            None => Self {
                code: Code(451),
                status: None,
                text,
            },
        }
    }

    const fn spelled(code: u16, status: (u8, u16, u16), text: Cow<'static, str>) -> Self {
        match (Code::new(code), EnhancedStatus::new(status.0, status.1, status.2)) {
            (Some(code), status @ Some(_)) => Self { code, status, text },
            _ => Self {
                code: Code(451),
                status: EnhancedStatus::new(4, 3, 0),
                text,
            },
        }
    }

    /// The code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The enhanced status code, if it has one.
    pub const fn status(&self) -> Option<EnhancedStatus> {
        self.status
    }

    /// The text, without codes; lines are separated by `\n`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The lines of the text.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n')
    }

    /// Appends the reply as it goes over the wire. Control characters become `?`, and a line is cut at 512 octets
    /// (RFC 5321 §4.5.3.1.5), so that nothing a client said can forge a line.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut lines = self.lines().peekable();
        while let Some(line) = lines.next() {
            let mark = if lines.peek().is_some() { '-' } else { ' ' };
            let mut spelled = format!("{}{mark}", self.code);
            if let Some(status) = self.status {
                spelled.push_str(&format!("{status} "));
            }
            spelled.extend(line.chars().map(|c| if c.is_control() { '?' } else { c }));
            spelled.truncate(spelled.floor_char_boundary(510));
            out.extend_from_slice(spelled.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl fmt::Display for Reply {
    /// On one line, for logs and reports: code, status, text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        for line in self.lines() {
            write!(f, " {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_spelled() {
        let cases = [
            (Reply::fixed(250, (2, 0, 0), "Ok"), "250 2.0.0 Ok\r\n"),
            (
                Reply::bare(250, Cow::Borrowed("mx.test\nSIZE 1\nHELP")),
                "250-mx.test\r\n250-SIZE 1\r\n250 HELP\r\n",
            ),
            (Reply::fixed(550, (5, 1, 1), "one\ntwo"), "550-5.1.1 one\r\n550 5.1.1 two\r\n"),
            (
                Reply::worded(550, (5, 1, 1), "a\r250 forged\u{0}".into()),
                "550 5.1.1 a?250 forged?\r\n",
            ),
            (Reply::fixed(99, (2, 0, 0), "x"), "451 4.3.0 x\r\n"),
        ];
        for (reply, wire) in cases {
            let mut out = Vec::new();
            reply.encode(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), wire);
        }
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let mut out = Vec::new();
        Reply::worded(250, (2, 0, 0), "ü".repeat(600)).encode(&mut out);
        assert!(out.len() <= 512);
        assert!(String::from_utf8(out).is_ok());
    }

    #[test]
    fn enhanced_codes_are_read() {
        for text in ["2.0.0", "5.1.1", "4.10.999"] {
            assert_eq!(EnhancedStatus::parse(text).map(|status| status.to_string()).as_deref(), Some(text));
        }
        for text in ["", "3.0.0", "5.1", "5.1.1.1", "5..1", "5.1.1000", "+5.1.1", "5.1.x"] {
            assert_eq!(EnhancedStatus::parse(text), None, "{text}");
        }
    }
}
