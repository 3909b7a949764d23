//! Reading another server's replies.
//!
//! Deviation: a line that ends with a bare LF is taken, since what it does to us is nothing and old servers send it.

use std::borrow::Cow;

use bytes::{Buf, BytesMut};

use super::{Code, EnhancedStatus, Reply};

/// What a reply may be at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest line, in octets. RFC 5321 §4.5.3.1.5 allows 512; servers send more.
    pub line: usize,
    /// The most lines.
    pub lines: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 4096, lines: 200 }
    }
}

/// Why what came is no reply. The connection is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadReply {
    /// A line does not begin with a code of three digits and then a space, a hyphen or the end.
    #[error("the server's reply has no reply code")]
    NoCode,
    /// The lines of one reply have different codes (RFC 5321 §4.2.1).
    #[error("the lines of the server's reply have different codes")]
    CodesDiffer,
    /// A line is too long.
    #[error("the server's reply has a line that is too long")]
    LineTooLong,
    /// There are too many lines.
    #[error("the server's reply has too many lines")]
    TooManyLines,
}

/// Takes replies off a buffer that fills bit by bit.
#[derive(Debug, Default)]
pub struct Parser {
    limits: Limits,
    begun: Option<Begun>,
}

/// A reply of which the last line has not come.
#[derive(Debug)]
struct Begun {
    code: Code,
    status: Option<EnhancedStatus>,
    text: String,
    lines: usize,
}

impl Parser {
    /// A parser with limits of its own.
    pub fn new(limits: Limits) -> Self {
        Self { limits, begun: None }
    }

    /// Takes the next whole reply off `input`; `None` when more octets are needed.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, BadReply> {
        loop {
            let Some(end) = memchr::memchr(b'\n', input) else {
                return if input.len() > self.limits.line {
                    Err(BadReply::LineTooLong)
                } else {
                    Ok(None)
                };
            };
            if end > self.limits.line {
                return Err(BadReply::LineTooLong);
            }
            let mut line = input.split_to(end);
            input.advance(1);
            if line.last() == Some(&b'\r') {
                line.truncate(line.len().saturating_sub(1));
            }
            if let Some(reply) = self.line(&line)? {
                return Ok(Some(reply));
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, BadReply> {
        let (code, last, text) = split(line)?;
        let text = printable(text);
        let (status, text) = match self.begun.as_ref() {
            None => first_status(code, &text),
            Some(begun) => (begun.status, without_status(begun.status, &text)),
        };
        let mut begun = match self.begun.take() {
            None => Begun {
                code,
                status,
                text: text.to_owned(),
                lines: 0,
            },
            Some(begun) if begun.code != code => return Err(BadReply::CodesDiffer),
            Some(mut begun) => {
                begun.text.push('\n');
                begun.text.push_str(text);
                begun
            }
        };
        begun.lines = begun.lines.saturating_add(1);
        if begun.lines > self.limits.lines {
            return Err(BadReply::TooManyLines);
        }
        if last {
            let Begun { code, status, text, .. } = begun;
            return Ok(Some(Reply {
                code,
                status,
                text: Cow::Owned(text),
            }));
        }
        self.begun = Some(begun);
        Ok(None)
    }
}

/// Code, whether it is the last line, text (RFC 5321 §4.2, Reply-line).
fn split(line: &[u8]) -> Result<(Code, bool, &[u8]), BadReply> {
    let (digits, rest) = line.split_at_checked(3).ok_or(BadReply::NoCode)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(BadReply::NoCode);
    }
    let number = digits.iter().fold(0_u16, |n, digit| n * 10 + u16::from(digit - b'0'));
    let code = Code::new(number).ok_or(BadReply::NoCode)?;
    match rest.split_first() {
        // RFC 5321 §4.2: a client takes a code without a text.
        None => Ok((code, true, &[])),
        Some((b' ', text)) => Ok((code, true, text)),
        Some((b'-', text)) => Ok((code, false, text)),
        Some(_) => Err(BadReply::NoCode),
    }
}

fn printable(text: &[u8]) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    String::from_utf8_lossy(text).chars().map(shown).collect()
}

/// The status at the begin of the first line, if it is one that fits the code (RFC 2034 §4).
fn first_status(code: Code, text: &str) -> (Option<EnhancedStatus>, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match EnhancedStatus::parse(word) {
        Some(status) if u16::from(status.class()) == code.as_u16() / 100 => (Some(status), rest),
        _ => (None, text),
    }
}

/// A further line without the status that it repeats (RFC 2034 §4).
fn without_status(status: Option<EnhancedStatus>, text: &str) -> &str {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    if status.is_some() && EnhancedStatus::parse(word) == status {
        rest
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(parser: &mut Parser, input: &mut BytesMut) -> Result<Vec<Reply>, BadReply> {
        std::iter::from_fn(|| parser.next(input).transpose()).collect()
    }

    #[test]
    fn replies_are_read() {
        let cases = [
            ("250 Ok\r\n", "250 Ok"),
            ("250\r\n", "250 "),
            ("220 mx.test ESMTP\n", "220 mx.test ESMTP"),
            ("250-mx.test\r\n250-SIZE 10\r\n250 HELP\r\n", "250 mx.test SIZE 10 HELP"),
            ("550-5.1.1 no\r\n550 5.1.1 such user\r\n", "550 5.1.1 no such user"),
            ("550 2.1.1 wrong class\r\n", "550 2.1.1 wrong class"),
            ("451 4.7.1\r\n", "451 4.7.1 "),
        ];
        for (wire, shown) in cases {
            let mut input = BytesMut::from(wire);
            let reply = Parser::default().next(&mut input).unwrap().unwrap();
            assert_eq!(reply.to_string(), shown);
            assert!(input.is_empty());
        }
    }

    #[test]
    fn any_portions_give_the_same_replies() {
        let wire = b"250-2.1.0 a\r\n250 2.1.0 b\r\n354 go\r\n";
        let mut whole = BytesMut::from(&wire[..]);
        let expected = all(&mut Parser::default(), &mut whole).unwrap();
        assert_eq!(expected.len(), 2);
        assert_eq!(expected[0].status().map(|s| s.to_string()).as_deref(), Some("2.1.0"));
        for cut in 0..wire.len() {
            let (mut parser, mut input) = (Parser::default(), BytesMut::from(&wire[..cut]));
            let mut replies = all(&mut parser, &mut input).unwrap();
            input.extend_from_slice(&wire[cut..]);
            replies.extend(all(&mut parser, &mut input).unwrap());
            assert_eq!(replies, expected, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        let long = format!("250 {}\r\n", "x".repeat(5000));
        let endless = "250-x\r\n".repeat(300);
        for (wire, error) in [
            ("hello\r\n", BadReply::NoCode),
            ("25\r\n", BadReply::NoCode),
            ("250_x\r\n", BadReply::NoCode),
            ("650 x\r\n", BadReply::NoCode),
            ("250-a\r\n251 b\r\n", BadReply::CodesDiffer),
            (long.as_str(), BadReply::LineTooLong),
            (endless.as_str(), BadReply::TooManyLines),
        ] {
            assert_eq!(all(&mut Parser::default(), &mut BytesMut::from(wire)), Err(error), "{wire:.20}");
        }
        // A line without end is given up before it ends.
        assert_eq!(
            Parser::default().next(&mut BytesMut::from(&[b'2'; 5000][..])),
            Err(BadReply::LineTooLong)
        );
    }
}
