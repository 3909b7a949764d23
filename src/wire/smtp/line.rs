//! Taking command lines off a buffer.
//!
//! A line ends with CRLF and nothing else (RFC 5321 §2.3.8): a bare LF or CR, or a null octet, makes the line invalid.

use bytes::{Buf, BytesMut};

/// Why a line is no command line. The line has been taken off the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// Longer than the limit.
    #[error("the line is too long")]
    TooLong,
    /// A bare LF or CR.
    #[error("a bare LF or CR is not allowed")]
    BareLineEnd,
    /// A null octet.
    #[error("a null octet is not allowed")]
    Null,
}

/// Takes lines off a buffer that fills bit by bit.
#[derive(Debug, Default)]
pub struct Lines {
    /// Whether what comes now is the rest of a line that was too long.
    skipping: bool,
}

impl Lines {
    /// The next line without its CRLF, of at most `limit` octets; `None` when more octets are needed. What is too long is
    /// thrown away as it comes, and told once its end is there.
    pub fn next(&mut self, input: &mut BytesMut, limit: usize) -> Option<Result<BytesMut, BadLine>> {
        let Some(end) = memchr::memchr(b'\n', input) else {
            if self.skipping || input.len() > limit.saturating_add(1) {
                self.skipping = true;
                input.clear();
            }
            return None;
        };
        let line = input.split_to(end);
        input.advance(1);
        if std::mem::take(&mut self.skipping) || line.len() > limit.saturating_add(1) {
            return Some(Err(BadLine::TooLong));
        }
        Some(check(line))
    }
}

fn check(mut line: BytesMut) -> Result<BytesMut, BadLine> {
    if line.last() != Some(&b'\r') {
        return Err(BadLine::BareLineEnd);
    }
    line.truncate(line.len().saturating_sub(1));
    match memchr::memchr2(b'\r', 0, &line) {
        None => Ok(line),
        Some(at) if line.get(at) == Some(&0) => Err(BadLine::Null),
        Some(_) => Err(BadLine::BareLineEnd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(lines: &mut Lines, input: &mut BytesMut) -> Vec<Result<String, BadLine>> {
        let text = |line: BytesMut| String::from_utf8_lossy(&line).into_owned();
        std::iter::from_fn(|| lines.next(input, 10)).map(|line| line.map(text)).collect()
    }

    #[test]
    fn any_portions_give_the_same_lines() {
        let wire = b"NOOP\r\n\r\n0123456789\r\n0123456789a\r\nbare\nlf\r\na\rb\r\na\0b\r\n\n012345678901234567890\r\nlast\r\n";
        let expected = [
            Ok("NOOP".into()),
            Ok("".into()),
            Ok("0123456789".into()),
            Err(BadLine::TooLong),
            Err(BadLine::BareLineEnd),
            Ok("lf".into()),
            Err(BadLine::BareLineEnd),
            Err(BadLine::Null),
            Err(BadLine::BareLineEnd),
            Err(BadLine::TooLong),
            Ok("last".into()),
        ];
        for step in 1..wire.len() {
            let (mut lines, mut input, mut got) = (Lines::default(), BytesMut::new(), Vec::new());
            for portion in wire.chunks(step) {
                input.extend_from_slice(portion);
                got.extend(all(&mut lines, &mut input));
            }
            assert_eq!(got, expected, "in portions of {step}");
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let (mut lines, mut input) = (Lines::default(), BytesMut::new());
        for _ in 0..1000 {
            input.extend_from_slice(&[b'x'; 100]);
            assert_eq!(lines.next(&mut input, 10), None);
            assert!(input.is_empty());
        }
    }
}
