//! A message with 8-bit or binary content made one without, for a server or a store that takes no other.
//!
//! Texts become quoted-printable, everything else base64; what is in 7 bits already stays octet by octet. Signed parts would lose
//! their signature, so a message with 8 bits in one cannot be converted.
//!
//! RFC 3516 §4.4 (binary parts), RFC 6152 §3 (conversion), RFC 2045 §6.4 (composite types are never encoded), §6.7, §6.8 (the encodings), RFC 1847 §2.1 (multipart/signed).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::header;
use super::structure::{Part, Structure};
use super::transfer::Encoding;

/// RFC 2045 §6.7, §6.8: the longest line.
const LINE: usize = 76;

/// Why a message cannot be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotConvertible {
    /// A signature would break.
    #[error("a part with 8-bit or binary content is signed")]
    Signed,
    /// Header fields cannot be converted without changing their meaning.
    #[error("a header has octets outside of ASCII")]
    Header,
    /// A part claims an encoding that it does not have, or one that its type forbids.
    #[error("a part is not encoded as it says")]
    Encoding,
    /// There are 8 bits outside of any part, or in parts that are nested too deeply.
    #[error("there is 8-bit or binary content outside of its parts")]
    Outside,
}

/// Converts a message. One in 7 bits comes back as it is.
///
/// # Errors
/// Why it cannot be done.
pub fn to_seven_bits(message: &[u8]) -> Result<Vec<u8>, NotConvertible> {
    let out = convert(message, Goal::SevenBits)?;
    if out.is_ascii() { Ok(out) } else { Err(NotConvertible::Outside) }
}

/// Encodes the parts that say to be `binary` and have octets that a line of text cannot have: NUL, or CR and LF that are no line end.
/// What has none of them comes back as it is.
///
/// # Errors
/// Why it cannot be done.
pub fn without_binary(message: &[u8]) -> Result<Vec<u8>, NotConvertible> {
    let out = convert(message, Goal::Lines)?;
    if out.contains(&0) { Err(NotConvertible::Outside) } else { Ok(out) }
}

fn convert(message: &[u8], goal: Goal) -> Result<Vec<u8>, NotConvertible> {
    let mut converter = Converter {
        message,
        goal,
        done: 0,
        out: Vec::with_capacity(message.len().saturating_add(message.len() / 4)),
    };
    converter.part(&Structure::parse(message).root, true)?;
    converter.copy_to(message.len());
    Ok(converter.out)
}

/// What a message is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    SevenBits,
    Lines,
}

struct Converter<'m> {
    message: &'m [u8],
    goal: Goal,
    /// Up to here the message is in `out`.
    done: usize,
    out: Vec<u8>,
}

impl<'m> Converter<'m> {
    fn octets(&self, from: usize, to: usize) -> &'m [u8] {
        self.message.get(from..to).unwrap_or_default()
    }

    fn copy_to(&mut self, to: usize) {
        self.out.extend_from_slice(self.octets(self.done, to));
        self.done = to;
    }

    fn part(&mut self, part: &Part, is_message: bool) -> Result<(), NotConvertible> {
        let (head, body) = (offset(part.header.start), offset(part.header.end));
        let end = offset(part.body.end);
        if self.is_fit(part) {
            return Ok(());
        }
        if part.is("multipart", "signed") {
            return Err(NotConvertible::Signed);
        }
        if self.goal == Goal::SevenBits && !self.octets(head, body).is_ascii() {
            return Err(NotConvertible::Header);
        }
        if Encoding::named(part.encoding.as_deref()) != Encoding::Identity {
            return Err(NotConvertible::Encoding);
        }
        let is_composite = part.is_multipart() || part.embedded.is_some();
        if !is_composite && is_composite_type(self.octets(head, body)) {
            return Err(NotConvertible::Encoding);
        }
        let content = self.octets(body, end);
        let encoding = match (is_composite, part.is_text() && is_canonical(content)) {
            (true, _) if self.goal == Goal::Lines => "8bit",
            (true, _) => "7bit",
            (false, true) => "quoted-printable",
            (false, false) => "base64",
        };
        self.copy_to(head);
        self.head(self.octets(head, body), is_message, encoding, content);
        self.done = body;
        if let Some(embedded) = &part.embedded {
            return self.part(&embedded.root, true);
        }
        if is_composite {
            return part.children.iter().try_for_each(|child| self.part(child, false));
        }
        if encoding == "base64" {
            base64(content, &mut self.out);
        } else {
            quoted_printable(content, &mut self.out);
        }
        self.done = end;
        Ok(())
    }

    /// Whether the part may stay as it is.
    fn is_fit(&self, part: &Part) -> bool {
        let body = offset(part.header.end);
        match self.goal {
            Goal::SevenBits => self.octets(offset(part.header.start), offset(part.body.end)).is_ascii(),
            Goal::Lines if part.is_multipart() => part.children.iter().all(|child| self.is_fit(child)),
            Goal::Lines => match &part.embedded {
                Some(embedded) => self.is_fit(&embedded.root),
                None => !is_binary(part) || is_lines(self.octets(body, offset(part.body.end))),
            },
        }
    }

    /// The header with its new encoding, and with what a reader needs to undo it.
    fn head(&mut self, head: &[u8], is_message: bool, encoding: &str, content: &[u8]) {
        let mut kept = header::header_fields(head, &["Content-Transfer-Encoding"], true);
        // The blank line comes again after what is added.
        kept.truncate(kept.len().saturating_sub(2));
        self.out.extend_from_slice(&kept);
        let mut add = |line: &str| self.out.extend_from_slice(line.as_bytes());
        if is_message && header::find(head, "MIME-Version").is_none() {
            add("MIME-Version: 1.0\r\n");
        }
        if is_message && header::find(head, "Content-Type").is_none() {
            // RFC 1428 §3 has a name for what nobody knows.
            let charset = std::str::from_utf8(content).map_or("unknown-8bit", |_| "utf-8");
            add(&format!("Content-Type: text/plain; charset={charset}\r\n"));
        }
        add(&format!("Content-Transfer-Encoding: {encoding}\r\n\r\n"));
    }
}

/// A usize has 64 bits at most, and these offsets came from one.
fn offset(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// Whether the header names a type that must not be encoded (RFC 2045 §6.4), though its inside was not looked into.
fn is_composite_type(head: &[u8]) -> bool {
    let kind = header::find(head, "Content-Type")
        .unwrap_or_default()
        .trim_ascii_start()
        .to_ascii_lowercase();
    kind.starts_with(b"multipart/") || kind.starts_with(b"message/")
}

/// Whether the part says to have octets of any kind.
fn is_binary(part: &Part) -> bool {
    part.encoding
        .as_deref()
        .is_some_and(|encoding| encoding.trim_ascii().eq_ignore_ascii_case(b"binary"))
}

/// Whether these octets can stand in lines of text.
fn is_lines(octets: &[u8]) -> bool {
    !octets.contains(&0) && is_canonical(octets)
}

/// Whether each CR and LF is one of a pair.
fn is_canonical(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        match rest.get(at..).and_then(|tail| tail.strip_prefix(b"\r\n")) {
            Some(tail) => rest = tail,
            None => return false,
        }
    }
    true
}

fn base64(octets: &[u8], out: &mut Vec<u8>) {
    let text = STANDARD.encode(octets);
    for line in text.as_bytes().chunks(LINE) {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
}

/// The text has no CR or LF but in pairs.
fn quoted_printable(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\r', rest) {
        let (line, tail) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        quoted_line(line, out);
        out.extend_from_slice(b"\r\n");
        rest = tail.get(2..).unwrap_or_default();
    }
    quoted_line(rest, out);
}

fn quoted_line(line: &[u8], out: &mut Vec<u8>) {
    let mut column = 0;
    for (at, &octet) in line.iter().enumerate() {
        let mut is_plain = match octet {
            b'=' => false,
            b' ' | b'\t' => at.saturating_add(1) < line.len(),
            _ => octet.is_ascii_graphic(),
        };
        if column + if is_plain { 1 } else { 3 } > LINE - 1 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
            // After a break of ours, two hyphens might look like a boundary.
            is_plain &= octet != b'-';
        }
        if is_plain {
            out.push(octet);
            column += 1;
        } else {
            out.extend_from_slice(format!("={octet:02X}").as_bytes());
            column += 3;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::transfer::decode_all;

    fn converted(message: &str) -> Result<String, NotConvertible> {
        to_seven_bits(message.as_bytes()).map(|out| String::from_utf8(out).unwrap())
    }

    #[test]
    fn known_answers() {
        for (message, expected) in [
            // Nothing to do.
            ("Subject: x\r\n\r\nHello.\r\n", "Subject: x\r\n\r\nHello.\r\n"),
            (
                "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nTo: b\r\n\r\nGrüße = 1 \r\n.\r\n",
                "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nTo: b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe =3D 1=20\r\n.\r\n",
            ),
            // Not labelled at all.
            (
                "To: b\r\n\r\né",
                "To: b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9",
            ),
            // No text.
            (
                "MIME-Version: 1.0\r\nContent-Type: application/x\r\n\r\né",
                "MIME-Version: 1.0\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\nw6k=\r\n",
            ),
            // A text with a line end of another kind.
            (
                "MIME-Version: 1.0\r\nContent-Type: text/x\r\n\r\né\n",
                "MIME-Version: 1.0\r\nContent-Type: text/x\r\nContent-Transfer-Encoding: base64\r\n\r\nw6kK\r\n",
            ),
            // Only the part that needs it, in a message in a message.
            (
                "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\n\r\nplain\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\né\r\n--b--\r\n",
                "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\n--b\r\n\r\nplain\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9\r\n--b--\r\n",
            ),
        ] {
            assert_eq!(converted(message).as_deref(), Ok(expected), "{message:?}");
        }
    }

    #[test]
    fn binary_parts_are_encoded() {
        let message = b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n--b\r\n\r\n\xc3\xa9\r\n--b\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: BINARY\r\n\r\na\0\n\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\nlines\r\n--b--\r\n";
        let expected = b"Content-Type: multipart/mixed; boundary=b\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\n\r\n\xc3\xa9\r\n--b\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\nYQAK\r\n\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\nlines\r\n--b--\r\n";
        assert_eq!(String::from_utf8(without_binary(message).unwrap()).unwrap().as_bytes(), expected);
        assert_eq!(without_binary(b"A: b\r\n\r\nx\n").as_deref(), Ok(&b"A: b\r\n\r\nx\n"[..]));
        for (message, why) in [
            (&b"A: b\0\r\n\r\nx"[..], NotConvertible::Outside),
            (b"A: b\r\n\r\nx\0", NotConvertible::Outside),
            (
                b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\r\n--b--\r\n",
                NotConvertible::Signed,
            ),
        ] {
            assert_eq!(without_binary(message), Err(why));
        }
    }

    #[test]
    fn what_cannot_be_converted() {
        let signed = "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\né\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n";
        for (message, why) in [
            (signed, NotConvertible::Signed),
            ("Subject: é\r\n\r\nx\r\n", NotConvertible::Header),
            ("Content-Transfer-Encoding: base64\r\n\r\né\r\n", NotConvertible::Encoding),
            ("Content-Type: message/partial; id=a\r\n\r\né\r\n", NotConvertible::Encoding),
            (
                "Content-Type: multipart/mixed; boundary=b\r\n\r\né\r\n--b\r\n\r\nx\r\n--b--\r\n",
                NotConvertible::Outside,
            ),
        ] {
            assert_eq!(converted(message), Err(why), "{message:?}");
        }
        // A signed part in 7 bits is left alone beside one that is converted.
        let both = format!(
            "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n{}--o\r\n\r\né\r\n--o--\r\n",
            signed.replace('é', "e")
        );
        assert!(converted(&both).unwrap().contains(&signed.replace('é', "e")));
    }

    #[test]
    fn lines_are_short_and_can_be_undone() {
        for text in [
            "é".repeat(200),
            "-".repeat(300) + "é",
            format!("{} é \r\n\r\n{}", "x y ".repeat(50), "=".repeat(100)),
        ] {
            let out = converted(&format!("Subject: x\r\n\r\n{text}")).unwrap();
            let (_, body) = out.split_once("\r\n\r\n").unwrap();
            assert!(body.lines().all(|line| line.len() <= LINE), "{body}");
            assert!(body.lines().skip(1).all(|line| !line.starts_with("--")), "{body}");
            assert_eq!(decode_all(body.as_bytes(), Encoding::QuotedPrintable), text.as_bytes());
        }
    }
}
