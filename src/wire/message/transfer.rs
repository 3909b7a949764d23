//! Content-Transfer-Encoding undone, in pieces of any size (RFC 2045 §6.7, §6.8). Broken input is read as far as it makes sense.

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// `7bit`, `8bit`, `binary`, and what we do not know: the octets are as they are.
    Identity,
    /// `base64`
    Base64,
    /// `quoted-printable`
    QuotedPrintable,
}

impl Encoding {
    /// The encoding that the field's value names; what we do not know is left as it is.
    pub fn named(value: Option<&[u8]>) -> Self {
        Self::known(value).unwrap_or(Self::Identity)
    }

    /// The encoding that the field's value names, if it is one that we know. Without the field it is `7bit` (RFC 2045 §6.1).
    pub fn known(value: Option<&[u8]>) -> Option<Self> {
        let Some(value) = value else { return Some(Self::Identity) };
        let word = value.trim_ascii();
        let end = word
            .iter()
            .position(|octet| octet.is_ascii_whitespace() || matches!(octet, b';' | b'('))
            .unwrap_or(word.len());
        match word.get(..end).unwrap_or(word).to_ascii_lowercase().as_slice() {
            b"base64" => Some(Self::Base64),
            b"quoted-printable" => Some(Self::QuotedPrintable),
            b"" | b"7bit" | b"8bit" | b"binary" => Some(Self::Identity),
            _ => None,
        }
    }
}

/// Decodes a whole body.
pub fn decode_all(octets: &[u8], encoding: Encoding) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    let mut decoder = Decoder::new(encoding);
    decoder.push(octets, &mut out);
    decoder.finish(&mut out);
    out
}

/// Decodes a body that comes in pieces.
#[derive(Debug)]
pub struct Decoder(State);

#[derive(Debug)]
enum State {
    Identity,
    Base64(Base64),
    QuotedPrintable(QuotedPrintable),
}

impl Decoder {
    /// A decoder at the begin of a body.
    pub fn new(encoding: Encoding) -> Self {
        Self(match encoding {
            Encoding::Identity => State::Identity,
            Encoding::Base64 => State::Base64(Base64::default()),
            Encoding::QuotedPrintable => State::QuotedPrintable(QuotedPrintable::default()),
        })
    }

    /// Adds to `out` what the piece decodes to, but for what the next one may change.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            State::Identity => out.extend_from_slice(octets),
            State::Base64(state) => octets.iter().for_each(|&octet| state.push(octet, out)),
            State::QuotedPrintable(state) => octets.iter().for_each(|&octet| state.push(octet, out)),
        }
    }

    /// The end of the body.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let State::QuotedPrintable(state) = &mut self.0 {
            state.finish(out);
        }
    }
}

/// RFC 2045 §6.8: octets outside of the alphabet are passed over.
#[derive(Debug, Default)]
struct Base64 {
    bits: u32,
    count: u32,
}

impl Base64 {
    fn push(&mut self, octet: u8, out: &mut Vec<u8>) {
        let value = match octet {
            b'A'..=b'Z' => octet.wrapping_sub(b'A'),
            b'a'..=b'z' => octet.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => octet.wrapping_sub(b'0').wrapping_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                // The end of a quantum; encoded texts that were put behind one another go on.
                (self.bits, self.count) = (0, 0);
                return;
            }
            _ => return,
        };
        self.bits = (self.bits << 6) | u32::from(value);
        self.count = self.count.saturating_add(6);
        if self.count >= 8 {
            self.count = self.count.saturating_sub(8);
            out.push(self.bits.wrapping_shr(self.count) as u8);
            self.bits &= (1 << self.count) - 1;
        }
    }
}

/// RFC 2045 §6.7. What is no valid `=xx` stands for itself.
#[derive(Debug, Default)]
struct QuotedPrintable {
    /// What may turn out to be an escape, a soft line break, or blanks at the end of a line: at most `PENDING` octets.
    pending: Vec<u8>,
}

/// RFC 2045 §6.7 has lines of 76 octets; blanks beyond this are no padding.
const PENDING: usize = 998;

impl QuotedPrintable {
    fn push(&mut self, octet: u8, out: &mut Vec<u8>) {
        match octet {
            b'\n' => self.end_line(out),
            b' ' | b'\t' | b'\r' if self.pending.len() < PENDING => {
                // `=4 ` is no escape, but `=  ` may become a soft break.
                if self.pending.len() == 2 && matches!(*self.pending, [b'=', digit] if digit.is_ascii_hexdigit()) {
                    self.finish(out);
                }
                self.pending.push(octet);
            }
            b'=' => {
                self.finish(out);
                self.pending.push(octet);
            }
            _ => match (self.pending.as_slice(), octet.is_ascii_hexdigit()) {
                ([b'='], true) => self.pending.push(octet),
                ([b'=', high], true) if high.is_ascii_hexdigit() => {
                    out.extend(hex_pair(&[*high, octet]));
                    self.pending.clear();
                }
                _ => {
                    self.finish(out);
                    out.push(octet);
                }
            },
        }
    }

    /// RFC 2045 §6.7 (3): blanks at the end of a line were added on the way. (5): `=` at the end joins the lines.
    fn end_line(&mut self, out: &mut Vec<u8>) {
        let crlf = self.pending.last() == Some(&b'\r');
        let text = self.pending.trim_ascii_end();
        if text != b"=" {
            out.extend_from_slice(text);
            out.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
        }
        self.pending.clear();
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.pending);
    }
}

/// The octet that two hexadecimal digits at the begin of the text name.
pub(super) fn hex_pair(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encoding, encoded, decoded.
    const TABLE: [(Encoding, &[u8], &[u8]); 12] = [
        (Encoding::Identity, b"a=41\r\n", b"a=41\r\n"),
        (Encoding::Base64, b"SGVsbG8g\r\nd29ybGQ=\r\n", b"Hello world"),
        (Encoding::Base64, b"SGVsbG8g!!!d29y\r\nbGQ", b"Hello world"),
        (Encoding::Base64, b"YQ==YQ==", b"aa"),
        (
            Encoding::QuotedPrintable,
            b"Gr=C3=BC=c3=9Fe =\r\nsoft=\nbreak",
            "Grüße softbreak".as_bytes(),
        ),
        (Encoding::QuotedPrintable, b"a=ZZb =c3=bc=\r\n =\r\nend=", "a=ZZb ü end=".as_bytes()),
        (Encoding::QuotedPrintable, b"trail  \t\r\nx", b"trail\r\nx"),
        (Encoding::QuotedPrintable, b"pad=  \r\nded", b"padded"),
        (Encoding::QuotedPrintable, b"=4 =", b"=4 ="),
        (Encoding::QuotedPrintable, b"a = b", b"a = b"),
        (Encoding::QuotedPrintable, b"==41", b"=A"),
        (Encoding::QuotedPrintable, b"", b""),
    ];

    #[test]
    fn bodies_are_decoded_in_pieces_of_any_size() {
        for (encoding, encoded, decoded) in TABLE {
            for size in 1..=encoded.len().max(1) {
                let (mut decoder, mut out) = (Decoder::new(encoding), Vec::new());
                encoded.chunks(size).for_each(|piece| decoder.push(piece, &mut out));
                decoder.finish(&mut out);
                assert_eq!(out, decoded, "{encoded:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn encodings_have_names() {
        assert_eq!(Encoding::named(Some(b" BASE64 (comment)")), Encoding::Base64);
        assert_eq!(Encoding::named(Some(b"Quoted-Printable;")), Encoding::QuotedPrintable);
        assert_eq!(Encoding::named(Some(b"x-uuencode")), Encoding::Identity);
        assert_eq!(Encoding::named(None), Encoding::Identity);
        assert_eq!(Encoding::known(Some(b"x-uuencode")), None);
        assert_eq!(Encoding::known(Some(b"8BIT")), Some(Encoding::Identity));
    }
}
