//! Line ends as messages have them (RFC 5322 §2.3): CR and LF occur together only.

/// Makes bare line feeds CRLF in octets that come in pieces.
#[derive(Debug, Default)]
pub struct Crlf {
    last: u8,
    has_bare_cr: bool,
}

impl Crlf {
    /// Adds the piece to `out`, mended.
    pub fn mend(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for line in octets.split_inclusive(|&octet| octet == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            out.extend_from_slice(text);
            // A CR may end the piece before.
            let is_broken = |before: u8, after: Option<&u8>| before == b'\r' && after.is_some_and(|&after| after != b'\n');
            let inside = text.split_last().map_or(&[][..], |(_, before)| before);
            self.has_bare_cr |= is_broken(self.last, line.first()) || memchr::memchr(b'\r', inside).is_some();
            if text.len() < line.len() {
                let cr = text.last().map_or(self.last == b'\r', |&octet| octet == b'\r');
                out.extend_from_slice(if cr { b"\n" } else { b"\r\n" });
            }
            self.last = line.last().copied().unwrap_or(self.last);
        }
    }

    /// Octets that are taken as they are.
    pub fn pass(&mut self, octets: &[u8]) {
        self.last = octets.last().copied().unwrap_or(self.last);
    }

    /// Whether there was a CR without an LF behind it, now that the octets are at their end.
    pub fn has_bare_cr(&self) -> bool {
        self.has_bare_cr || self.last == b'\r'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_mended_whatever_the_pieces() {
        for (text, want, bare) in [
            ("a\nb\r\nc\n\nd", "a\r\nb\r\nc\r\n\r\nd", false),
            ("\n\r\n", "\r\n\r\n", false),
            ("a\rb\n", "a\rb\r\n", true),
            ("a\r\r\nb", "a\r\r\nb", true),
            ("a\r", "a\r", true),
            ("", "", false),
        ] {
            for size in 1..=text.len().max(1) {
                let (mut crlf, mut out) = (Crlf::default(), Vec::new());
                text.as_bytes().chunks(size).for_each(|piece| crlf.mend(piece, &mut out));
                assert_eq!(
                    (String::from_utf8(out).unwrap().as_str(), crlf.has_bare_cr()),
                    (want, bare),
                    "{text:?} by {size}"
                );
            }
        }
    }
}
