//! The body of a message as it comes: dots undone, line ends checked.
//!
//! Only CRLF.CRLF ends DATA. What other servers may take for an end (`LF.LF`, `LF.CRLF`, `CR.CR`) stays inside of the
//! message, and the whole message is faulty: so nobody can smuggle a second one behind it (CVE-2023-51764 and its kin).
//!
//! RFC 5321 §2.3.8 (lines end with CRLF only), §4.1.1.4 (end of data), §4.5.2 (dots); RFC 3030 §2 (BDAT has no dots).

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A bare LF or CR.
    BareLineEnd,
    /// A null octet (RFC 5321 §4.5.2 asks for ASCII, and a null is no part of a text of any charset in mail).
    Null,
}

/// A portion of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portion<'a> {
    /// How many octets of the input are done with.
    pub consumed: usize,
    /// Octets of the message; empty once there was a fault.
    pub text: &'a [u8],
    /// Whether the end of data was found: what follows are commands again.
    pub ended: bool,
}

/// Where the decoder stands in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// After CRLF, or at the begin.
    Start,
    /// After a dot at the start of a line: nothing of it is given out.
    Dot,
    /// After a dot and CR.
    DotCr,
    /// Inside of a line.
    Inside,
    /// After a CR.
    Cr,
}

/// Decodes the body of DATA.
#[derive(Debug)]
pub struct DataDecoder {
    at: At,
    fault: Option<Fault>,
}

impl Default for DataDecoder {
    fn default() -> Self {
        // RFC 5321 §4.1.1.4: the CRLF of the DATA command is the one before a first line of one dot.
        Self {
            at: At::Start,
            fault: None,
        }
    }
}

impl DataDecoder {
    /// The first fault so far.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Decodes the next portion of `input`. Call again with the octets not consumed until they are used up or the end came.
    pub fn next<'a>(&mut self, input: &'a [u8]) -> Portion<'a> {
        let (mut consumed, ended) = match self.at {
            At::Start | At::Dot | At::DotCr => self.prefix(input),
            At::Inside | At::Cr => (0, false),
        };
        if ended {
            return Portion {
                consumed,
                text: &[],
                ended,
            };
        }
        let text = input.get(consumed..).unwrap_or_default();
        let text = if matches!(self.at, At::Inside | At::Cr | At::Start) {
            self.run(text)
        } else {
            &[]
        };
        consumed = consumed.saturating_add(text.len());
        Portion {
            consumed,
            text: if self.fault.is_some() { &[] } else { text },
            ended: false,
        }
    }

    /// Works off what stands at the start of a line: dots, and the end of data.
    fn prefix(&mut self, input: &[u8]) -> (usize, bool) {
        let mut consumed: usize = 0;
        for &octet in input {
            self.at = match (self.at, octet) {
                (At::Start, b'.') => At::Dot,
                (At::Dot, b'\r') => At::DotCr,
                (At::DotCr, b'\n') => return (consumed.saturating_add(1), true),
                // RFC 5321 §4.5.2: the dot was one too many, what follows is the line.
                (At::Dot, _) => At::Inside,
                (At::DotCr, _) => {
                    self.found(Fault::BareLineEnd);
                    At::Inside
                }
                (at, _) => at,
            };
            if matches!(self.at, At::Start | At::Inside | At::Cr) {
                break;
            }
            consumed = consumed.saturating_add(1);
        }
        (consumed, false)
    }

    /// The octets up to a line that begins with a dot.
    fn run<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let mut line_ends = LineEnds {
            at: self.at,
            fault: self.fault,
        };
        let mut done: usize = 0;
        while let Some(rest) = input.get(done..).filter(|rest| !rest.is_empty()) {
            if line_ends.at == At::Start && rest.first() == Some(&b'.') {
                break;
            }
            done = done.saturating_add(line_ends.line(rest));
        }
        (self.at, self.fault) = (line_ends.at, line_ends.fault);
        input.get(..done).unwrap_or_default()
    }

    fn found(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }
}

/// Checks the body that comes by BDAT, over all its chunks.
#[derive(Debug)]
pub struct ChunkChecker {
    line_ends: LineEnds,
}

impl Default for ChunkChecker {
    fn default() -> Self {
        Self {
            line_ends: LineEnds {
                at: At::Start,
                fault: None,
            },
        }
    }
}

impl ChunkChecker {
    /// Looks at further octets; gives the first fault so far.
    pub fn check(&mut self, octets: &[u8]) -> Option<Fault> {
        let mut rest = octets;
        while !rest.is_empty() {
            let length = self.line_ends.line(rest);
            rest = rest.get(length..).unwrap_or_default();
        }
        self.line_ends.fault
    }

    /// The end of the last chunk: gives the first fault, or else what must be added to make the last line whole.
    pub fn end(&mut self) -> Result<&'static [u8], Fault> {
        match (self.line_ends.fault, self.line_ends.at) {
            (Some(fault), _) => Err(fault),
            (None, At::Cr) => Err(Fault::BareLineEnd),
            (None, At::Start) => Ok(b""),
            (None, _) => Ok(b"\r\n"),
        }
    }
}

/// Follows the line ends.
#[derive(Debug)]
struct LineEnds {
    at: At,
    fault: Option<Fault>,
}

impl LineEnds {
    /// Goes to the end of the line or of the octets, at least one octet; gives how far.
    fn line(&mut self, octets: &[u8]) -> usize {
        if self.at == At::Cr {
            // One CR was seen: only LF may follow.
            if octets.first() == Some(&b'\n') {
                self.at = At::Start;
                return 1;
            }
            self.found(Fault::BareLineEnd);
        }
        self.at = At::Inside;
        let Some(found) = memchr::memchr3(b'\r', b'\n', 0, octets) else {
            return octets.len();
        };
        let next = found.saturating_add(1);
        match (octets.get(found), octets.get(next)) {
            (Some(b'\r'), Some(b'\n')) => {
                self.at = At::Start;
                return next.saturating_add(1);
            }
            (Some(b'\r'), _) => self.at = At::Cr,
            (Some(0), _) => self.found(Fault::Null),
            // RFC 5321 §2.3.8. It does not end a line, so that a dot behind it is no end of data.
            _ => self.found(Fault::BareLineEnd),
        }
        next
    }

    fn found(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes in portions: the text, the fault, and the octets after the end (none if there was no end).
    fn decode<'a>(portions: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Option<Fault>, Option<Vec<u8>>) {
        let (mut decoder, mut text, mut rest) = (DataDecoder::default(), Vec::new(), None::<Vec<u8>>);
        for mut input in portions {
            while !input.is_empty() {
                if let Some(rest) = &mut rest {
                    rest.extend_from_slice(input);
                    break;
                }
                let portion = decoder.next(input);
                assert!(portion.consumed > 0, "no progress");
                text.extend_from_slice(portion.text);
                input = &input[portion.consumed..];
                if portion.ended {
                    rest = Some(Vec::new());
                }
            }
        }
        (text, decoder.fault(), rest)
    }

    const BARE: Option<Fault> = Some(Fault::BareLineEnd);

    /// Wire, text (when there is no fault), fault, what follows the end.
    type Case = (&'static str, &'static str, Option<Fault>, Option<&'static str>);
    const CASES: &[Case] = &[
        (".\r\nQUIT", "", None, Some("QUIT")),
        ("a\r\n.\r\n", "a\r\n", None, Some("")),
        ("a\r\n..\r\n.\r\n", "a\r\n.\r\n", None, Some("")),
        ("..a\r\n.b\r\n...\r\n.\r\nX", ".a\r\nb\r\n..\r\n", None, Some("X")),
        ("a.\r\n.\r\n", "a.\r\n", None, Some("")),
        ("\r\n\r\n.\r\n", "\r\n\r\n", None, Some("")),
        ("a\r\n.", "a\r\n", None, None),
        ("a\r\n.\r", "a\r\n", None, None),
        // Smuggling: none of these is an end, and each is a fault.
        ("a\n.\nMAIL\r\n.\r\n", "", BARE, Some("")),
        ("a\n.\r\nMAIL\r\n.\r\n", "", BARE, Some("")),
        ("a\r\n.\nMAIL\r\n.\r\n", "", BARE, Some("")),
        ("a\r.\rMAIL\r\n.\r\n", "", BARE, Some("")),
        ("a\r.\r\nMAIL\r\n.\r\n", "", BARE, Some("")),
        ("a\r\n.\rMAIL\r\n.\r\n", "", BARE, Some("")),
        ("a\r\r\n.\r\nX", "", BARE, Some("X")),
        ("a\r\n.\r\r\n.\r\nX", "", BARE, Some("X")),
        ("a\r\n\n.\r\n.\r\n.\r\n", "", BARE, Some(".\r\n")),
        (".\n.\r\n\r\n.\r\nX", "", BARE, Some("X")),
        ("a\0b\r\n.\r\n", "", Some(Fault::Null), Some("")),
        ("a\n\0\r\n.\r\n", "", BARE, Some("")),
    ];

    #[test]
    fn any_portions_give_the_same_body() {
        for &(wire, text, fault, rest) in CASES {
            let wire = wire.as_bytes();
            for first in 0..=wire.len() {
                for second in first..=wire.len() {
                    let (got, found, after) = decode([&wire[..first], &wire[first..second], &wire[second..]]);
                    let shown = String::from_utf8_lossy(wire);
                    assert_eq!(found, fault, "{shown:?} cut at {first} and {second}");
                    assert_eq!(after.as_deref(), rest.map(str::as_bytes), "{shown:?} cut at {first} and {second}");
                    assert!(
                        fault.is_some() || got == text.as_bytes(),
                        "{shown:?} cut at {first} and {second}: {got:?}"
                    );
                }
            }
            let (got, found, after) = decode(wire.chunks(1));
            assert_eq!((found, after.as_deref()), (fault, rest.map(str::as_bytes)));
            assert!(fault.is_some() || got == text.as_bytes());
        }
    }

    /// The rules once more, octet by octet and without any speed, to compare with.
    fn slow(wire: &[u8]) -> (Vec<u8>, bool, Option<usize>) {
        let ends = (0..wire.len()).find(|&at| {
            let before = wire[..at] == *b"" || wire[..at].ends_with(b"\r\n");
            before && wire[at..].starts_with(b".\r\n")
        });
        let body = &wire[..ends.unwrap_or(wire.len())];
        let mut text = Vec::new();
        let mut bare = false;
        for (at, &octet) in body.iter().enumerate() {
            let line_start = body[..at] == *b"" || body[..at].ends_with(b"\r\n");
            if !(line_start && octet == b'.') {
                text.push(octet);
            }
            bare |= octet == 0;
            bare |= octet == b'\n' && !body[..at].ends_with(b"\r");
            bare |= octet == b'\r' && at + 1 < body.len() && body[at + 1] != b'\n';
        }
        (text, bare, ends.map(|at| at + 3))
    }

    #[test]
    fn all_short_bodies_agree_with_the_slow_rules() {
        const OCTETS: [u8; 5] = [b'a', b'.', b'\r', b'\n', 0];
        for length in 0..=8_u32 {
            for number in 0..5_usize.pow(length) {
                let wire: Vec<u8> = (0..length).map(|digit| OCTETS[number / 5_usize.pow(digit) % 5]).collect();
                let (text, bare, end) = slow(&wire);
                let (got, fault, rest) = decode([wire.as_slice()]);
                assert_eq!(rest.as_ref().map(|rest| wire.len() - rest.len()), end, "{wire:?}");
                // A CR that is the last octet so far, or one after a dot, is not judged yet.
                if end.is_some() || !wire.ends_with(b"\r") {
                    assert_eq!(fault.is_some(), bare, "{wire:?}");
                    assert!(bare || got == text, "{wire:?}");
                }
            }
        }
    }

    #[test]
    fn chunks_are_checked_across_their_borders() {
        for (wire, end) in [
            ("", Ok("")),
            ("a\r\n", Ok("")),
            ("a\r\n.\r\nb", Ok("\r\n")),
            ("a\r\nb\r", Err(Fault::BareLineEnd)),
            ("a\nb\r\n", Err(Fault::BareLineEnd)),
            ("\n", Err(Fault::BareLineEnd)),
            ("a\r\r\n", Err(Fault::BareLineEnd)),
            ("a\0\r\n", Err(Fault::Null)),
        ] {
            for cut in 0..=wire.len() {
                let mut checker = ChunkChecker::default();
                checker.check(&wire.as_bytes()[..cut]);
                checker.check(&wire.as_bytes()[cut..]);
                assert_eq!(checker.end(), end.map(str::as_bytes), "{wire:?} cut at {cut}");
            }
        }
    }
}
