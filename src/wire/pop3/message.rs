//! Messages in the form of the wire: CRLF line ends, a dot at the begin of a line doubled, a line with one dot behind (RFC 1939 §3).
//!
//! A file that another program left may have LF line ends or none at its end. Such a message gets the CR that is missing, so it is
//! larger on the wire than in STAT and LIST, which tell the octets of the file (RFC 1939 §11 counts CRLF, but that would take reading every file
//! at login). Messages that we took in ourselves have CRLF throughout, and their numbers agree.

use super::reply;

/// Changes a message, piece by piece, into the form of the wire.
#[derive(Debug)]
pub struct Stuffer {
    last: u8,
}

impl Default for Stuffer {
    fn default() -> Self {
        Self { last: b'\n' }
    }
}

impl Stuffer {
    /// Adds a piece of the message to `out`.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for line in octets.split_inclusive(|&octet| octet == b'\n') {
            if self.last == b'\n' && line.first() == Some(&b'.') {
                out.push(b'.');
            }
            let (text, ends) = match line.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (line, false),
            };
            out.extend_from_slice(text);
            self.last = text.last().copied().unwrap_or(self.last);
            if ends {
                out.extend_from_slice(if self.last == b'\r' { b"\n" } else { b"\r\n" });
                self.last = b'\n';
            }
        }
    }

    /// Ends the message: its last line, if that is open, and the line with the dot.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self.last != b'\n' {
            out.extend_from_slice(if self.last == b'\r' { b"\n" } else { b"\r\n" });
        }
        out.extend_from_slice(reply::END);
    }
}

/// How far TOP reads: the header, the blank line, and so many lines of the body (RFC 1939 §7).
#[derive(Debug)]
pub struct Top {
    in_header: bool,
    lines: u64,
    /// Nothing stands on this line yet.
    blank: bool,
}

impl Top {
    /// The header and so many lines.
    pub fn new(lines: u64) -> Self {
        Self {
            in_header: true,
            lines,
            blank: true,
        }
    }

    /// What of the next piece belongs to it.
    pub fn keep<'a>(&mut self, octets: &'a [u8]) -> &'a [u8] {
        let mut kept = 0_usize;
        for line in octets.split_inclusive(|&octet| octet == b'\n') {
            if self.is_done() {
                break;
            }
            kept = kept.saturating_add(line.len());
            self.blank = self.blank && line.iter().all(|octet| matches!(octet, b'\r' | b'\n'));
            if line.ends_with(b"\n") {
                self.end_line();
            }
        }
        octets.get(..kept).unwrap_or(octets)
    }

    fn end_line(&mut self) {
        if !self.in_header {
            self.lines = self.lines.saturating_sub(1);
        } else if self.blank {
            self.in_header = false;
        }
        self.blank = true;
    }

    /// Whether no more belongs to it.
    pub fn is_done(&self) -> bool {
        !self.in_header && self.lines == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_stuffed_in_pieces_of_any_size() {
        let table: [(&[u8], &[u8]); 9] = [
            (b"a\r\nb\r\n", b"a\r\nb\r\n.\r\n"),
            (b".\r\n..\r\na.\r\n", b"..\r\n...\r\na.\r\n.\r\n"),
            (b"a\nb\n.c\n", b"a\r\nb\r\n..c\r\n.\r\n"),
            (b"open", b"open\r\n.\r\n"),
            (b"open\r", b"open\r\n.\r\n"),
            (b".", b"..\r\n.\r\n"),
            (b"\n\n", b"\r\n\r\n.\r\n"),
            (b"a\rb\r\n", b"a\rb\r\n.\r\n"),
            (b"", b".\r\n"),
        ];
        for (message, wire) in table {
            for size in 1..=message.len().max(1) {
                let (mut stuffer, mut out) = (Stuffer::default(), Vec::new());
                message.chunks(size).for_each(|piece| stuffer.push(piece, &mut out));
                stuffer.finish(&mut out);
                assert_eq!(out, wire, "{message:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn the_top_is_kept_in_pieces_of_any_size() {
        let message: &[u8] = b"A: b\r\n c\r\n\r\none\r\n\r\nthree\r\n";
        let table: [(&[u8], u64, &[u8]); 6] = [
            (message, 0, b"A: b\r\n c\r\n\r\n"),
            (message, 1, b"A: b\r\n c\r\n\r\none\r\n"),
            (message, 2, b"A: b\r\n c\r\n\r\none\r\n\r\n"),
            (message, 99, message),
            (b"A: b\n\nx\ny\n", 1, b"A: b\n\nx\n"),
            (b"A: b", 5, b"A: b"),
        ];
        for (message, lines, kept) in table {
            for size in 1..=message.len() {
                let mut top = Top::new(lines);
                let found: Vec<u8> = message.chunks(size).flat_map(|piece| top.keep(piece).to_vec()).collect();
                assert_eq!(found, kept, "{lines} lines in pieces of {size}");
            }
        }
    }
}
