//! The words of a script (RFC 5228 §8.1).

use super::limits;
use super::problem::Position;

/// A word, and where it begins.
#[derive(Debug)]
pub(super) struct Token {
    pub at: Position,
    pub word: Word,
}

/// The kinds of words.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// In lower case.
    Identifier(String),
    /// In lower case, without the colon.
    Tag(String),
    Number(u64),
    Text(Vec<u8>),
    /// One of `;,{}[]()`.
    Mark(u8),
    /// What is no word; it has been complained about.
    Garbage,
    End,
}

impl Word {
    /// What it is called in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Identifier(name) => format!("identifier '{name}'"),
            Self::Tag(name) => format!("tag ':{name}'"),
            Self::Number(_) => "a number".into(),
            Self::Text(_) => "a string".into(),
            Self::Mark(mark) => format!("'{}'", char::from(*mark)),
            Self::Garbage => "something that is no word of the language".into(),
            Self::End => "the end of the script".into(),
        }
    }
}

/// A position in a script. Every word goes forward.
pub(super) struct Lexer<'a> {
    rest: &'a [u8],
    at: Position,
    complaints: Vec<(Position, String)>,
}

impl<'a> Lexer<'a> {
    pub fn new(script: &'a [u8]) -> Self {
        Self {
            rest: script,
            at: Position { line: 1, column: 1 },
            complaints: Vec::new(),
        }
    }

    /// What was wrong with the words since the last call.
    pub fn complaints(&mut self) -> Vec<(Position, String)> {
        std::mem::take(&mut self.complaints)
    }

    fn complain(&mut self, at: Position, message: impl Into<String>) {
        self.complaints.push((at, message.into()));
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn bump(&mut self) -> Option<u8> {
        let (&octet, rest) = self.rest.split_first()?;
        self.rest = rest;
        if octet == b'\n' {
            self.at.line = self.at.line.saturating_add(1);
            self.at.column = 1;
        } else {
            self.at.column = self.at.column.saturating_add(1);
        }
        Some(octet)
    }

    fn run(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let whole = self.rest;
        let mut length = 0_usize;
        while self.peek().is_some_and(&wanted) {
            self.bump();
            length = length.saturating_add(1);
        }
        whole.get(..length).unwrap_or_default()
    }

    /// The next word; [`Word::End`] at the end, again and again.
    pub fn next(&mut self) -> Token {
        self.skip_blanks();
        let at = self.at;
        let word = match self.peek() {
            None => Word::End,
            Some(mark @ (b';' | b',' | b'{' | b'}' | b'[' | b']' | b'(' | b')')) => {
                self.bump();
                Word::Mark(mark)
            }
            Some(b'"') => self.quoted(at),
            Some(b'0'..=b'9') => self.number(at),
            Some(octet) if is_name_start(octet) => self.identifier(at),
            Some(b':') => self.tag(at),
            Some(_) => self.garbage(at),
        };
        Token { at, word }
    }

    /// Blanks and comments (RFC 5228 §2.3).
    fn skip_blanks(&mut self) {
        loop {
            self.run(|octet| octet.is_ascii_whitespace());
            match self.rest {
                [b'#', ..] => {
                    self.run(|octet| octet != b'\n');
                }
                [b'/', b'*', ..] => self.bracket_comment(),
                _ => return,
            }
        }
    }

    fn bracket_comment(&mut self) {
        let at = self.at;
        self.bump();
        self.bump();
        while !self.rest.starts_with(b"*/") {
            if self.bump().is_none() {
                self.complain(at, "the comment that begins here is never closed by '*/'");
                return;
            }
        }
        self.bump();
        self.bump();
    }

    fn identifier(&mut self, at: Position) -> Word {
        let name = self.name(at);
        // RFC 5228 §8.1: multi-line = "text:" *(SP / HTAB) (hash-comment / CRLF) …
        if name == "text" && self.peek() == Some(b':') {
            self.bump();
            return self.multi_line(at);
        }
        Word::Identifier(name)
    }

    fn name(&mut self, at: Position) -> String {
        let name = self.run(|octet| is_name_start(octet) || octet.is_ascii_digit());
        if name.len() > limits::IDENTIFIER {
            self.complain(
                at,
                format!(
                    "the identifier is too long: it has {} characters of at most {}",
                    name.len(),
                    limits::IDENTIFIER
                ),
            );
        }
        String::from_utf8_lossy(name).to_ascii_lowercase()
    }

    fn tag(&mut self, at: Position) -> Word {
        self.bump();
        match self.peek() {
            Some(octet) if is_name_start(octet) => Word::Tag(self.name(at)),
            _ => {
                self.complain(at, "a ':' must be followed by the name of a tag");
                Word::Garbage
            }
        }
    }

    /// RFC 5228 §2.4.1: digits and perhaps one of K, M, G.
    fn number(&mut self, at: Position) -> Word {
        let digits = self.run(|octet| octet.is_ascii_digit());
        let shift = match self.peek().map(|octet| octet.to_ascii_lowercase()) {
            Some(b'k') => 10,
            Some(b'm') => 20,
            Some(b'g') => 30,
            _ => 0,
        };
        if shift > 0 {
            self.bump();
        }
        if self.peek().is_some_and(|octet| is_name_start(octet) || octet.is_ascii_digit()) {
            self.run(|octet| is_name_start(octet) || octet.is_ascii_digit());
            self.complain(
                at,
                "the number is followed by letters: right are digits and at most one of K, M and G",
            );
        }
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u64>().ok());
        let number = number.and_then(|number| number.checked_mul(1_u64 << shift));
        if number.is_none() {
            self.complain(at, format!("the number is too large: the largest is {}", u64::MAX));
        }
        Word::Number(number.unwrap_or_default())
    }

    /// RFC 5228 §2.4.2: a backslash stands before `"` and `\`; before anything else it is passed over.
    fn quoted(&mut self, at: Position) -> Word {
        self.bump();
        let mut text = Vec::new();
        loop {
            match self.bump() {
                None => {
                    self.complain(at, "the string that begins here is never closed by '\"'");
                    break;
                }
                Some(b'"') => break,
                Some(b'\\') => match self.bump() {
                    Some(octet) => push(&mut text, octet),
                    None => continue,
                },
                Some(octet) => push(&mut text, octet),
            }
        }
        self.text(at, text)
    }

    /// RFC 5228 §2.4.2.1: lines up to one of a dot alone; a dot at the begin of a line is doubled.
    fn multi_line(&mut self, at: Position) -> Word {
        self.run(|octet| matches!(octet, b' ' | b'\t'));
        if self.peek() == Some(b'#') {
            self.run(|octet| octet != b'\n');
        }
        self.run(|octet| octet == b'\r');
        if self.bump() != Some(b'\n') {
            self.complain(at, "'text:' must be followed by the end of the line");
            return Word::Garbage;
        }
        let mut text = Vec::new();
        loop {
            let line = self.run(|octet| octet != b'\n');
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line == b"." {
                break;
            }
            text.extend_from_slice(line.strip_prefix(b".").filter(|rest| rest.starts_with(b".")).unwrap_or(line));
            if self.bump().is_none() {
                self.complain(at, "the text that begins here is never ended by a line of one dot");
                break;
            }
            text.extend_from_slice(b"\r\n");
        }
        self.bump();
        self.text(at, text)
    }

    fn text(&mut self, at: Position, text: Vec<u8>) -> Word {
        if text.len() > limits::STRING {
            self.complain(
                at,
                format!("the string is too long: it has {} octets of at most {}", text.len(), limits::STRING),
            );
            return Word::Text(Vec::new());
        }
        Word::Text(text)
    }

    fn garbage(&mut self, at: Position) -> Word {
        let first = self.peek().unwrap_or_default();
        self.run(|octet| {
            !octet.is_ascii_whitespace() && !octet.is_ascii_alphanumeric() && !b";,{}[]()\"#:_/".contains(&octet) || octet == first
        });
        self.complain(at, format!("unexpected character(s) starting with '{}'", first.escape_ascii()));
        Word::Garbage
    }
}

fn is_name_start(octet: u8) -> bool {
    octet.is_ascii_alphabetic() || octet == b'_'
}

/// Lines end with CRLF in strings, however the script is written (RFC 5228 §2.2).
fn push(text: &mut Vec<u8>, octet: u8) {
    if octet == b'\n' && text.last() != Some(&b'\r') {
        text.push(b'\r');
    }
    text.push(octet);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(script: &str) -> (Vec<(u32, u32, Word)>, Vec<String>) {
        let mut lexer = Lexer::new(script.as_bytes());
        let mut words = Vec::new();
        loop {
            let Token { at, word } = lexer.next();
            if word == Word::End {
                break;
            }
            words.push((at.line, at.column, word));
        }
        (words, lexer.complaints().into_iter().map(|(_, message)| message).collect())
    }

    fn text(text: &str) -> Word {
        Word::Text(text.as_bytes().to_vec())
    }

    #[test]
    fn words_have_kinds_and_places() {
        let (found, complaints) = words("If # c\n  :OVER /* x\n y */ 10K\n\"a\\\"b\\c\n\"; text: # x\n..a\n.b\n.\n[,]");
        assert_eq!(complaints, Vec::<String>::new());
        let expected = vec![
            (1, 1, Word::Identifier("if".into())),
            (2, 3, Word::Tag("over".into())),
            (3, 7, Word::Number(10_240)),
            (4, 1, text("a\"bc\r\n")),
            (5, 2, Word::Mark(b';')),
            (5, 4, text(".a\r\n.b\r\n")),
            (9, 1, Word::Mark(b'[')),
            (9, 2, Word::Mark(b',')),
            (9, 3, Word::Mark(b']')),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn mistakes_are_told_and_passed_over() {
        for (script, complaint) in [
            ("18446744073709551616", "too large"),
            ("17179869184G", "too large"),
            ("10KB", "followed by letters"),
            ("\"open", "never closed"),
            ("/* open", "never closed"),
            ("text: x", "end of the line"),
            ("text:\nopen", "one dot"),
            ("$$$", "starting with '$'"),
            (": x", "name of a tag"),
            ("a234567890123456789012345678901234", "too long"),
        ] {
            let (_, complaints) = words(script);
            assert!(
                complaints.len() == 1 && complaints[0].contains(complaint),
                "{script}: {complaints:?}"
            );
        }
    }
}
