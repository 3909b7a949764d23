//! Strings of a script: what stands in them is put in when they are used.
//!
//! RFC 5228 §2.4.2.4 (encoded characters), RFC 5229 §3 (variables), RFC 6609 §3.3 (global variables).

use super::compiler::Compiler;
use super::extension::Extension;
use super::limits;
use super::problem::Position;
use super::run::Run;

/// A string.
#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    pieces: Vec<Piece>,
    pub at: Position,
}

#[derive(Debug, Clone)]
enum Piece {
    Literal(Vec<u8>),
    Variable(Variable),
    Match(usize),
    /// `${env.name}`, an item of the environment.
    Environment(String),
    /// `${tst.path}` of the test suite: the folder of the script.
    Suite(String),
}

/// A variable's name in lower case (RFC 5229 §3), and where it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub name: String,
    pub global: bool,
}

impl Text {
    /// What it says, if that is known before the script runs.
    pub fn literal(&self) -> Option<&[u8]> {
        match self.pieces.as_slice() {
            [] => Some(b""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// What it says with its variables by their names.
    pub fn written(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => String::from_utf8_lossy(text).into_owned(),
            Piece::Variable(variable) => format!("${{{}}}", variable.name),
            Piece::Match(index) => format!("${{{index}}}"),
            Piece::Environment(name) | Piece::Suite(name) => format!("${{{name}}}"),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// What it says now.
    pub fn expand(&self, run: &Run<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text),
                Piece::Variable(variable) => out.extend_from_slice(run.variable(variable)),
                Piece::Match(index) => out.extend_from_slice(run.match_value(*index)),
                Piece::Environment(name) => out.extend(run.environment(name).unwrap_or_default()),
                Piece::Suite(name) => out.extend(run.suite_variable(name)),
            }
        }
        out.truncate(limits::STRING);
        out
    }

    /// What it says now, as characters; U+FFFD stands for what is none.
    pub fn expand_text(&self, run: &Run<'_>) -> String {
        match String::from_utf8(self.expand(run)) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }
    }
}

/// Strings, expanded one by one.
pub(super) fn expand_all(texts: &[Text], run: &Run<'_>) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.expand(run)).collect()
}

impl Compiler<'_> {
    /// Reads what stands in a string, as far as the extensions that are required give it a meaning.
    pub(super) fn text(&mut self, raw: &[u8], at: Position) -> Text {
        // RFC 5229 §3: encoded characters first, then variables.
        let decoded = match self.has(Extension::EncodedCharacter) {
            true => match encoded_characters(raw) {
                Ok(decoded) => decoded,
                Err(message) => {
                    self.problem(at, message);
                    raw.to_vec()
                }
            },
            false => raw.to_vec(),
        };
        if !self.has(Extension::Variables) {
            let pieces = if decoded.is_empty() {
                Vec::new()
            } else {
                vec![Piece::Literal(decoded)]
            };
            return Text { pieces, at };
        }
        let pieces = self.pieces(&decoded, at);
        Text { pieces, at }
    }

    fn pieces(&mut self, text: &[u8], at: Position) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some(begin) = memchr::memmem::find(rest, b"${") {
            let (before, tail) = rest.split_at_checked(begin).unwrap_or((rest, b""));
            literal.extend_from_slice(before);
            let inside = tail.get(2..).unwrap_or_default();
            let end = memchr::memchr(b'}', inside);
            let name = end.and_then(|end| std::str::from_utf8(inside.get(..end)?).ok());
            match name.and_then(|name| self.reference(name, at)) {
                Some(piece) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(piece);
                    rest = end.and_then(|end| inside.get(end.saturating_add(1)..)).unwrap_or_default();
                }
                // RFC 5229 §3: what is no reference stands for itself.
                None => {
                    literal.push(b'$');
                    rest = tail.get(1..).unwrap_or_default();
                }
            }
        }
        literal.extend_from_slice(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        pieces
    }

    /// The piece that `${name}` stands for; none if this is not the form of a reference.
    fn reference(&mut self, name: &str, at: Position) -> Option<Piece> {
        let name = name.to_ascii_lowercase();
        if !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_digit()) {
            let index = name.parse().unwrap_or(usize::MAX);
            if index > limits::MATCH_VALUES {
                let most = limits::MATCH_VALUES;
                self.problem(
                    at,
                    format!("match value '${{{name}}}' is out of range: the last one is '${{{most}}}'"),
                );
            }
            return Some(Piece::Match(index));
        }
        let mut names = name.splitn(2, '.');
        let (first, rest) = (names.next()?, names.next());
        let are_names = |text: &str| text.split('.').all(is_name);
        match rest {
            None => is_name(first).then(|| Piece::Variable(self.variable(first))),
            Some(rest) if is_name(first) && are_names(rest) => Some(match first {
                "global" if self.has(Extension::Include) && is_name(rest) => Piece::Variable(Variable {
                    name: rest.to_owned(),
                    global: true,
                }),
                "env" if self.has(Extension::DovecotEnvironment) => Piece::Environment(rest.to_owned()),
                "tst" if self.has(Extension::DovecotTestsuite) => Piece::Suite(rest.to_owned()),
                _ => {
                    self.problem(at, format!("unknown namespace '{first}' of the variable '{name}'"));
                    Piece::Environment(String::new())
                }
            }),
            Some(_) => None,
        }
    }
}

/// RFC 5229 §3: `identifier` of RFC 5228 §8.1.
pub(super) fn is_name(text: &str) -> bool {
    let mut octets = text.bytes();
    let first = octets.next().is_some_and(|octet| octet.is_ascii_alphabetic() || octet == b'_');
    first && octets.all(|octet| octet.is_ascii_alphanumeric() || octet == b'_')
}

/// RFC 5228 §2.4.2.4: `${hex:…}` and `${unicode:…}`; what has not this form stands for itself, what has it and is no character is wrong.
fn encoded_characters(raw: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(begin) = memchr::memmem::find(rest, b"${") {
        let (before, tail) = rest.split_at_checked(begin).unwrap_or((rest, b""));
        out.extend_from_slice(before);
        match encoded(tail.get(2..).unwrap_or_default()) {
            Some((octets, behind)) => {
                out.extend(octets?);
                rest = behind;
            }
            None => {
                out.push(b'$');
                rest = tail.get(1..).unwrap_or_default();
            }
        }
    }
    out.extend_from_slice(rest);
    Ok(out)
}

type Encoded<'a> = (Result<Vec<u8>, String>, &'a [u8]);

/// What stands after `${`, if it has the form, and the text behind the `}`.
fn encoded(text: &[u8]) -> Option<Encoded<'_>> {
    let colon = memchr::memchr(b':', text.get(..10).unwrap_or(text))?;
    let kind = text.get(..colon)?.to_ascii_lowercase();
    let rest = text.get(colon.checked_add(1)?..)?;
    let end = memchr::memchr(b'}', rest)?;
    let (inside, behind) = (rest.get(..end)?, rest.get(end.checked_add(1)?..)?);
    if !inside.iter().all(|octet| octet.is_ascii_hexdigit() || octet.is_ascii_whitespace()) {
        return None;
    }
    let words: Vec<&str> = std::str::from_utf8(inside).ok()?.split_ascii_whitespace().collect();
    if words.is_empty() {
        return None;
    }
    match kind.as_slice() {
        // hex-pair = 1*2HEXDIG
        b"hex" => {
            let octets: Option<Vec<u8>> = words
                .iter()
                .map(|word| u8::from_str_radix(word, 16).ok().filter(|_| word.len() <= 2))
                .collect();
            octets.map(|octets| (Ok(octets), behind))
        }
        b"unicode" => Some((characters(&words), behind)),
        _ => None,
    }
}

fn characters(words: &[&str]) -> Result<Vec<u8>, String> {
    let mut out = String::new();
    for word in words {
        let number = u32::from_str_radix(word, 16).ok();
        let Some(char) = number.and_then(char::from_u32) else {
            return Err(format!(
                "invalid unicode character '{word}': right are 0 to D7FF and E000 to 10FFFF"
            ));
        };
        out.push(char);
    }
    Ok(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_decoded() {
        for (raw, decoded) in [
            ("$${hex:40}", Ok("$@")),
            ("${hex: 40 }", Ok("@")),
            ("${HEX: 40}", Ok("@")),
            ("${hex:40", Ok("${hex:40")),
            ("${hex:400}", Ok("${hex:400}")),
            ("${hex:4${hex:30}}", Ok("${hex:40}")),
            ("${unicode:40 e9}", Ok("@é")),
            ("${unicode:000040}", Ok("@")),
            ("${unicode:}", Ok("${unicode:}")),
            ("${Unicode:D800}", Err(())),
            ("${unicode:110000}", Err(())),
            ("${unicode:33333333333333333}", Err(())),
        ] {
            let found = encoded_characters(raw.as_bytes()).map_err(|_| ());
            assert_eq!(found, decoded.map(|text| text.as_bytes().to_vec()), "{raw}");
        }
    }
}
