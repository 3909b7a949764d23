//! Dot stuffing, in portions: a line that begins with a dot gets another, and the end is a dot alone on its line.
//!
//! RFC 5321 §4.5.2 (transparency), §4.1.1.4 (end of data).

/// Where in a line the octets so far end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    LineStart,
    AfterCr,
    Within,
}

/// Spells the body of a message for DATA, portion by portion.
#[derive(Debug)]
pub(super) struct Dots {
    place: Place,
}

impl Dots {
    /// At the begin of a message.
    pub(super) fn new() -> Self {
        Self { place: Place::LineStart }
    }

    /// Appends a portion to `out`.
    pub(super) fn stuff(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        out.reserve(octets.len());
        let mut rest = octets;
        while let Some((&first, _)) = rest.split_first() {
            if first == b'.' && self.place == Place::LineStart {
                out.push(b'.');
            }
            // A line at a time, as far as a line feed ends it.
            let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at.saturating_add(1));
            let (line, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            out.extend_from_slice(line);
            self.place = match line {
                [.., b'\r', b'\n'] => Place::LineStart,
                [b'\n'] if self.place == Place::AfterCr => Place::LineStart,
                [.., b'\r'] => Place::AfterCr,
                _ => Place::Within,
            };
            rest = after;
        }
    }

    /// Appends the end of data; a last line without CRLF gets one.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.place != Place::LineStart {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
        self.place = Place::LineStart;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuffed(portions: &[&[u8]]) -> Vec<u8> {
        let (mut dots, mut out) = (Dots::new(), Vec::new());
        for portion in portions {
            dots.stuff(portion, &mut out);
        }
        dots.finish(&mut out);
        out
    }

    #[test]
    fn every_split_gives_the_same() {
        for (text, wire) in [
            ("", ".\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            (".a\r\n..b\r\nc.d\r\n", "..a\r\n...b\r\nc.d\r\n.\r\n"),
            ("a\r\n\r\n.\r\n.", "a\r\n\r\n..\r\n..\r\n.\r\n"),
            // A bare CR or LF begins no line for SMTP, so nothing after it is stuffed (RFC 5321 §2.3.8).
            ("a\n.b\r.c\r\n", "a\n.b\r.c\r\n.\r\n"),
            ("a\r\r\n.b\r\n", "a\r\r\n..b\r\n.\r\n"),
        ] {
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    let bytes = text.as_bytes();
                    let portions = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                    assert_eq!(
                        String::from_utf8_lossy(&stuffed(&portions)),
                        wire,
                        "{text:?} cut at {first} and {second}"
                    );
                }
            }
        }
    }
}
