//! `type/subtype; name=value` and its like: Content-Type and Content-Disposition.
//!
//! RFC 2045 §5.1 (grammar), RFC 2231 §3 and §4 (pieces, charsets). Read leniently: values without their quotes, open quotes, comments.

use serde::{Deserialize, Serialize};

use super::limits;
use crate::wire::message::lexer::Lexer;

/// A parameter. The pieces of RFC 2231 are joined; a value with charset and `%xx` keeps them, and its name then ends with `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Param {
    /// The name as written, a token.
    pub name: String,
    /// The value, unquoted.
    pub value: Vec<u8>,
}

/// The parameter of this name.
pub(super) fn find<'a>(params: &'a [Param], name: &str) -> Option<&'a [u8]> {
    params
        .iter()
        .find(|param| param.name.eq_ignore_ascii_case(name))
        .map(|param| &*param.value)
}

/// The type and subtype, if the field has them, and the parameters.
pub(in crate::wire) fn media_type(value: &[u8]) -> (Option<(String, String)>, Vec<Param>) {
    let mut lexer = Lexer::new(value);
    let media_type = token(&mut lexer);
    let subtype = match lexer.skip_comments().peek() {
        Some(b'/') => {
            lexer.skip(1);
            token(&mut lexer)
        }
        _ => None,
    };
    (media_type.zip(subtype), params(&mut lexer))
}

/// The disposition, if the field has one, and the parameters.
pub(in crate::wire) fn disposition(value: &[u8]) -> (Option<String>, Vec<Param>) {
    let mut lexer = Lexer::new(value);
    (token(&mut lexer), params(&mut lexer))
}

/// RFC 2045 §5.1: graphic ASCII but for the specials.
fn is_token(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&octet)
}

fn token(lexer: &mut Lexer) -> Option<String> {
    let run = lexer.skip_comments().run(is_token);
    // Only graphic ASCII can be in it, so it is text.
    std::str::from_utf8(run).ok().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The parameters, from before the first `;` on.
fn params(lexer: &mut Lexer) -> Vec<Param> {
    let mut raw = Vec::new();
    while raw.len() < limits::PARAMS && skip_to_semicolon(lexer) {
        let Some(name) = token(lexer) else { continue };
        if lexer.skip_comments().peek() == Some(b'=') {
            lexer.skip(1);
            let value = value(lexer);
            raw.push(Param { name, value });
        }
    }
    join(raw)
}

/// Goes behind the next `;`, if there is one.
fn skip_to_semicolon(lexer: &mut Lexer) -> bool {
    while let Some(octet) = lexer.peek() {
        match octet {
            b'(' => drop(lexer.comment()),
            b'"' => drop(lexer.quoted()),
            _ => lexer.skip(1),
        }
        if octet == b';' {
            return true;
        }
    }
    false
}

/// A quoted string; or all up to the `;` or a comment, since many forget the quotes of a name with blanks.
fn value(lexer: &mut Lexer) -> Vec<u8> {
    if lexer.skip_comments().peek() == Some(b'"') {
        return lexer.quoted();
    }
    let mut out: Vec<u8> = Vec::new();
    loop {
        out.extend_from_slice(lexer.run(|octet| !matches!(octet, b';' | b'(' | b'\r' | b'\n')));
        let in_word = out.last().is_some_and(|octet| !octet.is_ascii_whitespace());
        match lexer.peek() {
            // `name=a(1).pdf` has no comment, `charset=us-ascii (Plain)` has.
            Some(b'(') if in_word => out.push(b'('),
            Some(b'\r' | b'\n') => {}
            _ => break,
        }
        lexer.skip(1);
    }
    out.truncate(out.trim_ascii_end().len());
    out
}

/// Joins the pieces of RFC 2231 §3 at the place of the first.
fn join(raw: Vec<Param>) -> Vec<Param> {
    let mut out: Vec<Param> = Vec::new();
    for (at, param) in raw.iter().enumerate() {
        let Some(piece) = Piece::of(&param.name) else {
            out.push(param.clone());
            continue;
        };
        let earlier = raw.iter().take(at).filter_map(|earlier| Piece::of(&earlier.name));
        if !earlier.into_iter().any(|earlier| earlier.base.eq_ignore_ascii_case(piece.base)) {
            out.push(joined(piece.base, &raw));
        }
    }
    out
}

/// All pieces of one parameter, in the order of their numbers, up to the first that is missing.
fn joined(base: &str, raw: &[Param]) -> Param {
    let mut pieces: Vec<(Piece, &[u8])> = raw
        .iter()
        .filter_map(|param| Some((Piece::of(&param.name)?, &*param.value)))
        .filter(|(piece, _)| piece.base.eq_ignore_ascii_case(base))
        .collect();
    pieces.sort_by_key(|(piece, _)| piece.number);
    pieces.dedup_by_key(|(piece, _)| piece.number);
    let whole = pieces
        .iter()
        .zip(0_u32..)
        .take_while(|((piece, _), number)| piece.number == *number);
    let whole: Vec<_> = whole.map(|(piece, _)| piece).collect();
    let extended = whole.iter().any(|(piece, _)| piece.extended);
    let mut value = Vec::new();
    for (piece, text) in whole {
        if extended && !piece.extended {
            // RFC 2231 §4.1 mixes both kinds: the plain one is spelled like the other.
            escape(text, &mut value);
        } else {
            value.extend_from_slice(text);
        }
    }
    Param {
        name: if extended { format!("{base}*") } else { base.to_owned() },
        value,
    }
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &octet in text {
        if is_token(octet) && !b"*'%".contains(&octet) {
            out.push(octet);
        } else {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'%', digit(octet >> 4), digit(octet & 15)]);
        }
    }
}

/// A name such as `filename*1*`.
struct Piece<'a> {
    base: &'a str,
    number: u32,
    extended: bool,
}

impl<'a> Piece<'a> {
    fn of(name: &'a str) -> Option<Self> {
        let (name, extended) = match name.strip_suffix('*') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (base, number) = name.rsplit_once('*')?;
        let number = number.parse().ok()?;
        (!base.is_empty()).then_some(Self { base, number, extended })
    }
}
