//! Where a command ends in the octets that came so far.
//!
//! A command is a line, or several with literals between (RFC 3501 §2.2.1, §4.3). The framer never looks at an octet twice,
//! however small the pieces in which they come.

use super::append::{Announced, Head};
use super::cursor::Utf8;
use super::parse;

/// The bounds of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most octets of its lines, without literals.
    pub line: usize,
    /// The most octets of all of it, but for the messages of an APPEND.
    pub command: usize,
    /// Where the client writes UTF-8.
    pub utf8: Utf8,
}

/// What there is at the begin of the buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// Nothing whole yet: read on.
    Partial,
    /// The client waits to send a literal: say `+`, then read on.
    Continue,
    /// So many octets are a complete command.
    Command(usize),
    /// So many octets are the begin of an APPEND or a REPLACE, up to its mailbox; the rest is read line by line.
    Append(usize, Box<Head>),
    /// So many octets end with a literal that is over the limit. The client sends it only if it is not `waiting`.
    TooLarge {
        /// Octets of the lines and literals before it.
        length: usize,
        /// Whether the client waits for a `+` before it sends.
        waiting: bool,
    },
    /// The line is over the limit and has not ended.
    Endless,
}

/// Finds the commands in a buffer from which each is taken before the next is looked for.
#[derive(Debug, Default)]
pub struct Framer {
    /// Octets that are whole lines and literals of the command under way.
    passed: usize,
    /// Octets that have no line end after `passed`.
    searched: usize,
    /// Octets of lines so far.
    lines: usize,
    /// Literals so far.
    literals: usize,
}

impl Framer {
    /// Looks at the buffer. After everything but `Partial` and `Continue` the framer begins anew.
    pub fn next(&mut self, buffer: &[u8], limits: Limits) -> Frame {
        loop {
            let from = self.passed.max(self.searched);
            let Some(length) = buffer.get(from..).and_then(|rest| rest.iter().position(|&b| b == b'\n')) else {
                self.searched = buffer.len();
                let open = buffer.len().saturating_sub(self.passed);
                return if self.lines.saturating_add(open) > limits.line {
                    self.begin_anew(Frame::Endless)
                } else {
                    Frame::Partial
                };
            };
            let end = from.saturating_add(length).saturating_add(1);
            self.lines = self.lines.saturating_add(end.saturating_sub(self.passed));
            if self.lines > limits.line {
                return self.begin_anew(Frame::Endless);
            }
            let line = buffer.get(self.passed..end).unwrap_or_default();
            // Only the mailbox can be a literal before the message: looking again at each later one would cost their square.
            if self.literals <= 1
                && let Some((length, head)) = parse::append_head(buffer.get(..end).unwrap_or_default(), limits.utf8)
            {
                return self.begin_anew(Frame::Append(length, Box::new(head)));
            }
            let Some(literal) = announced(line) else {
                return self.begin_anew(Frame::Command(end));
            };
            if let Some(frame) = self.literal(end, &literal, limits) {
                return frame;
            }
        }
    }

    /// A line that ends with a literal: what to do, if not look on behind it.
    fn literal(&mut self, end: usize, literal: &Announced, limits: Limits) -> Option<Frame> {
        self.literals = self.literals.saturating_add(1);
        let after = usize::try_from(literal.size).ok().and_then(|size| end.checked_add(size));
        match after {
            Some(after) if after <= limits.command => self.passed = after,
            _ => {
                return Some(self.begin_anew(Frame::TooLarge {
                    length: end,
                    waiting: literal.waiting,
                }));
            }
        }
        literal.waiting.then_some(Frame::Continue)
    }

    fn begin_anew(&mut self, frame: Frame) -> Frame {
        *self = Self::default();
        frame
    }
}

/// The literal that a line ends with.
pub fn announced(line: &[u8]) -> Option<Announced> {
    let text = line.strip_suffix(b"\n")?;
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let inside = text.strip_suffix(b"}")?;
    let (inside, waiting) = match inside.strip_suffix(b"+").or_else(|| inside.strip_suffix(b"-")) {
        Some(inside) => (inside, false),
        None => (inside, true),
    };
    let digits = inside.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (before, digits) = inside.split_at_checked(inside.len().checked_sub(digits)?)?;
    let before = before.strip_suffix(b"{").filter(|_| !digits.is_empty())?;
    // A number past 64 bits is over every limit.
    let size = digits
        .iter()
        .try_fold(0_u64, |n, &d| n.checked_mul(10)?.checked_add(u64::from(d.wrapping_sub(b'0'))))
        .unwrap_or(u64::MAX);
    Some(Announced {
        size,
        waiting,
        binary: before.ends_with(b"~"),
    })
}

/// The length of the line at the begin of the buffer, with its end: for what is not a command, such as an answer to a `+`.
pub fn line(buffer: &[u8]) -> Option<usize> {
    buffer.iter().position(|&b| b == b'\n').map(|at| at.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        line: 100,
        command: 200,
        utf8: Utf8::Off,
    };

    /// Feeds the octets one by one and gives what came out, with how many octets had come.
    fn feed(octets: &[u8]) -> Vec<(usize, Frame)> {
        let mut framer = Framer::default();
        let mut out = Vec::new();
        for have in 1..=octets.len() {
            match framer.next(&octets[..have], LIMITS) {
                Frame::Partial => {}
                frame => out.push((have, frame)),
            }
        }
        out
    }

    #[test]
    fn lines_and_literals_make_a_command() {
        assert_eq!(feed(b"a NOOP\r\n"), [(8, Frame::Command(8))]);
        assert_eq!(feed(b"a NOOP\n"), [(7, Frame::Command(7))]);
        assert_eq!(
            feed(b"a LOGIN {3}\r\nb\r\n {2+}\r\ncd\r\n"),
            [(13, Frame::Continue), (27, Frame::Command(27))]
        );
        assert_eq!(feed(b"a LOGIN \"x{3}\"\r\n"), [(16, Frame::Command(16))]);
        assert_eq!(feed(b"a X {}\r\n"), [(8, Frame::Command(8))]);
    }

    #[test]
    fn appends_are_told_apart() {
        let frames = feed(b"a APPEND {5+}\r\nINBOX (\\Seen) {310}\r\n");
        let [(36, Frame::Append(20, head))] = frames.as_slice() else {
            unreachable!("{frames:?}")
        };
        assert_eq!((head.mailbox.as_str(), head.replaces), ("INBOX", None));
        assert!(matches!(
            feed(b"a append x CATENATE (URL y)\r\n").as_slice(),
            [(_, Frame::Append(10, _))]
        ));
        let frames = feed(b"a UID REPLACE 7 x {3}\r\n");
        let [(_, Frame::Append(17, head))] = frames.as_slice() else {
            unreachable!("{frames:?}")
        };
        assert!(head.replaces.is_some_and(|replaced| replaced.uid));
        assert_eq!(feed(b"a APPEND x\r\n"), [(12, Frame::Command(12))]);
        assert_eq!(feed(b"a APPEND x{3}\r\n"), [(15, Frame::Continue)]);
        assert_eq!(feed(b"a UID FETCH 7 x \r\n"), [(18, Frame::Command(18))]);
    }

    #[test]
    fn announcements_are_read() {
        for (line, want) in [
            (&b"x {5}\r\n"[..], Some((5, true, false))),
            (b"x ~{5+}\n", Some((5, false, true))),
            (b"{99999999999999999999}\r\n", Some((u64::MAX, true, false))),
            (b"{}\r\n", None),
            (b"{5}", None),
            (b"{5}\"\r\n", None),
        ] {
            let announced = announced(line);
            assert_eq!(
                announced.map(|it| (it.size, it.waiting, it.binary)),
                want,
                "{}",
                line.escape_ascii()
            );
        }
    }

    #[test]
    fn limits_hold() {
        assert_eq!(feed(b"a LOGIN {300}\r\n"), [(15, Frame::TooLarge { length: 15, waiting: true })]);
        assert!(matches!(
            feed(b"a LOGIN {99999999999999999999+}\r\n").as_slice(),
            [(_, Frame::TooLarge { waiting: false, .. })]
        ));
        assert!(matches!(feed(&[b'x'; 101]).as_slice(), [(101, Frame::Endless)]));
        assert_eq!(line(b"DONE\r\nx"), Some(6));
        assert_eq!(line(b"DONE"), None);
    }
}
