//! The position in a command, and the small pieces of the grammar: atoms, strings, numbers.

use std::borrow::Cow;

use super::append::Announced;

/// How deep parentheses, NOT and OR may nest.
const MAX_DEPTH: u8 = 40;

/// What the grammar wanted, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at octet {at}")]
pub struct Malformed {
    /// What would have been right.
    pub expected: &'static str,
    /// Octets before the fault.
    pub at: usize,
}

/// Where a client writes UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Utf8 {
    /// Names are in modified UTF-7 (RFC 3501 §5.1.3).
    #[default]
    Off,
    /// Names are in UTF-8 (RFC 9051 §5.1).
    Names,
    /// So is all else (RFC 6855 §3).
    Accept,
}

/// A position in the octets of a command.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    input: &'a [u8],
    at: usize,
    depth: u8,
    utf8: Utf8,
}

/// RFC 3501 §9 ATOM-CHAR.
pub(super) fn is_atom(b: u8) -> bool {
    b > b' ' && b < 0x7f && !matches!(b, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

/// RFC 3501 §9 ASTRING-CHAR.
fn is_astring(b: u8) -> bool {
    is_atom(b) || b == b']'
}

/// RFC 3501 §9 list-char.
fn is_list(b: u8) -> bool {
    is_astring(b) || matches!(b, b'%' | b'*')
}

impl<'a> Cursor<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            at: 0,
            depth: 0,
            utf8: Utf8::Off,
        }
    }

    /// The same, of a client that writes UTF-8 there.
    pub(super) fn with_utf8(self, utf8: Utf8) -> Self {
        Self { utf8, ..self }
    }

    /// Where the client writes UTF-8.
    pub(super) fn utf8(&self) -> Utf8 {
        self.utf8
    }

    /// How many octets were passed over.
    pub(super) fn passed(&self) -> usize {
        self.at
    }

    /// The fault here: `expected` would have been right.
    pub(super) fn wrong<T>(&self, expected: &'static str) -> Result<T, Malformed> {
        Err(Malformed { expected, at: self.at })
    }

    /// The next octet, left where it is.
    pub(super) fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    /// Whether nothing is left.
    pub(super) fn at_end(&self) -> bool {
        self.at >= self.input.len()
    }

    /// Passes over `b` if it is next.
    pub(super) fn eat(&mut self, b: u8) -> bool {
        let found = self.peek() == Some(b);
        if found {
            self.at += 1;
        }
        found
    }

    /// Passes over `text` in any case, if it is next.
    pub(super) fn eat_text(&mut self, text: &str) -> bool {
        let found = self
            .rest()
            .get(..text.len())
            .is_some_and(|next| next.eq_ignore_ascii_case(text.as_bytes()));
        if found {
            self.at += text.len();
        }
        found
    }

    /// Passes over `b`, which must be next.
    pub(super) fn expect(&mut self, b: u8, expected: &'static str) -> Result<(), Malformed> {
        if self.eat(b) { Ok(()) } else { self.wrong(expected) }
    }

    /// Passes over the space between arguments. More than one is forgiven.
    pub(super) fn space(&mut self) -> Result<(), Malformed> {
        self.expect(b' ', "a space")?;
        while self.eat(b' ') {}
        Ok(())
    }

    /// Passes over the end of the command: trailing spaces are forgiven.
    pub(super) fn end(&mut self) -> Result<(), Malformed> {
        while self.eat(b' ') {}
        self.eat(b'\r');
        self.eat(b'\n');
        if self.at_end() {
            Ok(())
        } else {
            self.wrong("the end of the command")
        }
    }

    /// Whether only the end of the command is left.
    pub(super) fn before_end(&self) -> bool {
        self.clone().end().is_ok()
    }

    fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    /// The octets as long as `accept` likes them; there must be one.
    pub(super) fn take_while(&mut self, accept: impl Fn(u8) -> bool, expected: &'static str) -> Result<&'a [u8], Malformed> {
        let rest = self.rest();
        let length = rest.iter().position(|&b| !accept(b)).unwrap_or(rest.len());
        if length == 0 {
            return self.wrong(expected);
        }
        self.at += length;
        Ok(rest.get(..length).unwrap_or_default())
    }

    /// An atom.
    pub(super) fn atom(&mut self, expected: &'static str) -> Result<&'a str, Malformed> {
        let octets = self.take_while(is_atom, expected)?;
        // An atom is ASCII by its definition.
        std::str::from_utf8(octets).or_else(|_| self.wrong(expected))
    }

    /// An atom in capitals: the name of a command, an item, an option.
    pub(super) fn word(&mut self, expected: &'static str) -> Result<String, Malformed> {
        self.atom(expected).map(str::to_ascii_uppercase)
    }

    /// A number of at most 63 bits (RFC 3501 §9 number, RFC 7162 §7 mod-sequence-value).
    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let start = self.clone();
        let digits = self.take_while(|b| b.is_ascii_digit(), "a number")?;
        let value = digits
            .iter()
            .try_fold(0_u64, |n, &d| n.checked_mul(10)?.checked_add(u64::from(d.wrapping_sub(b'0'))));
        match value {
            Some(value) if value <= i64::MAX as u64 => Ok(value),
            _ => start.wrong("a number below 2^63"),
        }
    }

    /// A number of 32 bits.
    pub(super) fn number32(&mut self) -> Result<u32, Malformed> {
        let start = self.clone();
        u32::try_from(self.number()?).or_else(|_| start.wrong("a number below 2^32"))
    }

    /// A string: quoted or literal.
    pub(super) fn string(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{' | b'~') => self.literal().map(Cow::Borrowed),
            _ => self.wrong("a string"),
        }
    }

    /// An atom or a string.
    pub(super) fn astring(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => self.take_while(is_astring, "an atom or a string").map(Cow::Borrowed),
        }
    }

    /// An atom or a string, with the wildcards of LIST.
    pub(super) fn list_mailbox(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => self.take_while(is_list, "a mailbox pattern").map(Cow::Borrowed),
        }
    }

    /// A string or NIL.
    pub(super) fn nstring(&mut self) -> Result<Option<Cow<'a, [u8]>>, Malformed> {
        if self.eat_text("NIL") { Ok(None) } else { self.string().map(Some) }
    }

    /// An atom or a string that must be UTF-8.
    pub(super) fn text(&mut self) -> Result<String, Malformed> {
        let start = self.clone();
        let octets = self.astring()?;
        String::from_utf8(octets.into_owned()).or_else(|_| start.wrong("UTF-8"))
    }

    /// RFC 3501 §9 quoted. UTF-8 inside is let through.
    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        self.expect(b'"', "a quote")?;
        let rest = self.rest();
        let plain = rest
            .iter()
            .position(|b| matches!(b, b'"' | b'\\' | b'\r' | b'\n' | 0))
            .unwrap_or(rest.len());
        self.at += plain;
        let head = rest.get(..plain).unwrap_or_default();
        if self.eat(b'"') {
            return Ok(Cow::Borrowed(head));
        }
        let mut out = head.to_vec();
        while let Some(b) = self.peek() {
            match b {
                b'"' => {
                    self.at += 1;
                    return Ok(Cow::Owned(out));
                }
                b'\\' => {
                    self.at += 1;
                    match self.peek() {
                        Some(b @ (b'"' | b'\\')) => out.push(b),
                        _ => return self.wrong("'\"' or '\\' after '\\'"),
                    }
                }
                b'\r' | b'\n' | 0 => break,
                b => out.push(b),
            }
            self.at += 1;
        }
        self.wrong("the closing quote")
    }

    /// RFC 3501 §9 literal, RFC 7888 §4 (`{n+}`), RFC 3516 §4.4 (`~{n}`).
    fn literal(&mut self) -> Result<&'a [u8], Malformed> {
        let Announced { size, binary, .. } = self.announcement()?;
        let octets = usize::try_from(size).ok().and_then(|size| self.rest().get(..size));
        match octets {
            Some(octets) if !binary && octets.contains(&0) => self.wrong("a literal without NUL"),
            Some(octets) => {
                self.at += octets.len();
                Ok(octets)
            }
            None => self.wrong("the octets of a literal"),
        }
    }

    /// The announcement of a literal with its line end.
    fn announcement(&mut self) -> Result<Announced, Malformed> {
        let binary = self.eat(b'~');
        self.expect(b'{', "a literal")?;
        let size = self.number()?;
        let waiting = !self.eat(b'+') && !self.eat(b'-');
        self.expect(b'}', "the closing brace of a literal")?;
        self.eat(b'\r');
        self.expect(b'\n', "the line end after a literal's size")?;
        Ok(Announced { size, waiting, binary })
    }

    /// The announcement of a literal whose octets are not read yet.
    pub(super) fn announced(&mut self) -> Result<Announced, Malformed> {
        let announced = self.announcement()?;
        if self.at_end() {
            Ok(announced)
        } else {
            self.wrong("the octets of the literal")
        }
    }

    /// Goes one level deeper for what `inner` reads.
    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Malformed>) -> Result<T, Malformed> {
        if self.depth >= MAX_DEPTH {
            return self.wrong("fewer nested levels");
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// `(` items separated by spaces `)`; may be empty.
    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
        self.expect(b'(', "'('")?;
        let mut items = Vec::new();
        while self.eat(b' ') {}
        if self.eat(b')') {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat(b')') {
                return Ok(items);
            }
            self.space()?;
            if self.eat(b')') {
                return Ok(items);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read() {
        for (text, want) in [
            (&b"abc "[..], &b"abc"[..]),
            (b"a]b", b"a]b"),
            (b"\"\"", b""),
            (br#""a b""#, b"a b"),
            (br#""a\"b\\c""#, br#"a"b\c"#),
            (b"{3}\r\na\r\nrest", b"a\r\n"),
            (b"{3+}\nabc", b"abc"),
            ("\"gr\u{fc}n\"".as_bytes(), "gr\u{fc}n".as_bytes()),
        ] {
            assert_eq!(Cursor::new(text).astring().unwrap().as_ref(), want, "{text:?}");
        }
        for text in [
            &b""[..],
            b" ",
            b"\"a",
            b"\"a\r\n\"",
            b"\"\\a\"",
            b"{4}\r\nabc",
            b"{99999999999999999999}\r\n",
            b"{}\r\n",
            b"{1}\r\n\0",
            b"%",
        ] {
            assert!(Cursor::new(text).astring().is_err(), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_bounded() {
        assert_eq!(Cursor::new(b"4294967295").number32(), Ok(u32::MAX));
        assert!(Cursor::new(b"4294967296").number32().is_err());
        assert!(Cursor::new(b"9223372036854775808").number().is_err());
        assert!(Cursor::new(b"x").number().is_err());
    }
}
