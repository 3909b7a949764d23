//! The words of structured header fields: atoms, quoted strings, comments (RFC 5322 §3.2).

/// A position in the value of a field. Every method goes forward or stays at the end.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    rest: &'a [u8],
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    pub fn skip_blanks(&mut self) -> &mut Self {
        self.rest = self.rest.trim_ascii_start();
        self
    }

    /// Blanks, line ends and comments (CFWS).
    pub fn skip_comments(&mut self) -> &mut Self {
        while self.skip_blanks().peek() == Some(b'(') {
            self.comment();
        }
        self
    }

    /// The longest run of such octets; one octet at least, so that a loop always goes on.
    pub fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> Vec<u8> {
        let length = self.rest.iter().position(|&octet| !wanted(octet)).unwrap_or(self.rest.len());
        self.take(length.max(1))
    }

    /// The longest run of such octets, perhaps none.
    pub fn run(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().position(|&octet| !wanted(octet)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, b""));
        self.rest = rest;
        run
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, b""));
        self.rest = rest;
        taken.to_vec()
    }

    /// The text of a quoted string, quoted pairs undone; the position is at its `"`. An open one goes to the end.
    pub fn quoted(&mut self) -> Vec<u8> {
        self.delimited(b'"', b'"', false)
    }

    /// The text of a comment, inner parentheses kept; the position is at its `(`.
    pub fn comment(&mut self) -> Vec<u8> {
        self.delimited(b'(', b')', true)
    }

    /// A domain literal with its brackets; the position is at its `[`.
    pub fn domain_literal(&mut self) -> Vec<u8> {
        let text = self.delimited(b'[', b']', false);
        [b"[", text.trim_ascii(), b"]"].concat()
    }

    fn delimited(&mut self, open: u8, close: u8, nests: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let mut depth = 1_usize;
        let mut octets = self.rest.iter().copied().skip(1);
        let mut used = 1_usize;
        while let Some(octet) = octets.next() {
            used = used.saturating_add(1);
            match octet {
                b'\\' => {
                    if let Some(escaped) = octets.next() {
                        used = used.saturating_add(1);
                        out.push(escaped);
                    }
                    continue;
                }
                b'\r' | b'\n' => continue,
                octet if octet == close => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                octet if nests && octet == open => depth = depth.saturating_add(1),
                _ => {}
            }
            out.push(octet);
        }
        self.skip(used);
        out
    }
}
