//! Texts with macros: names that are looked up, and explanations (RFC 7208 §7).

use std::net::IpAddr;

/// The longest text that is made of one.
const MOST: usize = 4_096;
/// The longest name (RFC 1035 §2.3.4).
const MOST_NAME: usize = 253;

/// A text with macros, as it stands in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Plain(String),
    Macro(Macro),
}

/// `%{` letter, digits, `r`, delimiters `}`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Macro {
    /// In lower case.
    letter: char,
    /// It was a capital: what is no URL's octet is escaped.
    is_escaped: bool,
    /// How many parts, from the right.
    parts: Option<usize>,
    is_reversed: bool,
    /// A dot where there is none.
    delimiters: String,
}

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// A name to be looked up (`domain-spec`).
    Name,
    /// Nothing (`macro-string`).
    Any,
    /// To be shown (`explain-string`): blanks may be in it, and the macros for it.
    Explanation,
}

/// What the macros stand for.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// The part of the sender before the `@`.
    pub local: &'f str,
    /// The part behind it.
    pub sender_domain: &'f str,
    /// The domain whose record it is.
    pub domain: &'f str,
    /// The address of the client.
    pub peer: IpAddr,
    /// Its name, which leads back to it; `unknown` where it has none.
    pub peer_name: &'f str,
    /// What it said in HELO.
    pub helo: &'f str,
    /// The name of the server that checks.
    pub receiver: &'f str,
    /// Seconds since 1970.
    pub now: i64,
}

impl Text {
    /// Reads an explanation, as the record of its name has it; none if it is not by the grammar.
    pub fn explanation(octets: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(octets).ok().filter(|text| text.is_ascii())?;
        Self::parse(text, Usage::Explanation)
    }

    /// Whether the client's own name stands in it, so that it must be looked up.
    pub fn needs_peer_name(&self) -> bool {
        self.macros().any(|it| it.letter == 'p')
    }

    /// Whether the part before the `@` stands in it.
    pub fn needs_local(&self) -> bool {
        self.macros().any(|it| matches!(it.letter, 's' | 'l'))
    }

    fn macros(&self) -> impl Iterator<Item = &Macro> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Macro(it) => Some(it),
            Piece::Plain(_) => None,
        })
    }

    pub(super) fn parse(text: &str, usage: Usage) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            let (plain, from) = rest.split_at_checked(at)?;
            literal(&mut pieces, plain, usage)?;
            let (sign, after) = from.split_at_checked(2)?;
            rest = after;
            match sign {
                "%%" => add(&mut pieces, "%"),
                "%_" => add(&mut pieces, " "),
                "%-" => add(&mut pieces, "%20"),
                "%{" => {
                    let (inner, after) = after.split_once('}')?;
                    pieces.push(Piece::Macro(Macro::parse(inner, usage)?));
                    rest = after;
                }
                _ => return None,
            }
        }
        literal(&mut pieces, rest, usage)?;
        let ends_well = match pieces.last() {
            Some(Piece::Plain(_)) => has_top_label(text),
            Some(Piece::Macro(_)) => true,
            None => false,
        };
        (usage != Usage::Name || ends_well).then_some(Self(pieces))
    }

    /// The text.
    pub fn text(&self, facts: &Facts<'_>) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Plain(plain) => text.push_str(plain),
                Piece::Macro(it) => text.push_str(&it.value(facts)),
            }
            if text.len() > MOST {
                let end = (0..=MOST).rev().find(|&at| text.is_char_boundary(at));
                text.truncate(end.unwrap_or(0));
                break;
            }
        }
        text
    }

    /// The name: what is too long loses its first labels (RFC 7208 §7.3).
    pub fn name(&self, facts: &Facts<'_>) -> String {
        let text = self.text(facts);
        let mut name = text.trim_end_matches('.');
        while name.len() > MOST_NAME {
            name = name.split_once('.').map_or("", |(_, rest)| rest);
        }
        name.to_owned()
    }
}

fn literal(pieces: &mut Vec<Piece>, plain: &str, usage: Usage) -> Option<()> {
    let fits = |octet: u8| octet.is_ascii_graphic() || (octet == b' ' && usage == Usage::Explanation);
    if !plain.bytes().all(fits) {
        return None;
    }
    add(pieces, plain);
    Some(())
}

fn add(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Plain(plain)) => plain.push_str(text),
        _ => pieces.push(Piece::Plain(text.to_owned())),
    }
}

/// `"." toplabel [ "." ]` at the end: letters, digits and hyphens within, and not digits alone.
fn has_top_label(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.rsplit_once('.').is_some_and(|(_, top)| {
        let is_label = top.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        let is_number = top.bytes().all(|octet| octet.is_ascii_digit());
        is_label && !is_number && !top.starts_with('-') && !top.ends_with('-')
    })
}

impl Macro {
    fn parse(inner: &str, usage: Usage) -> Option<Self> {
        let letter = inner.chars().next()?;
        let lower = letter.to_ascii_lowercase();
        let known = match usage {
            Usage::Explanation => "slodipvhcrt",
            Usage::Name | Usage::Any => "slodipvh",
        };
        let rest = inner.get(1..).filter(|_| known.contains(lower))?;
        let digits_end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, rest) = rest.split_at_checked(digits_end)?;
        let parts = match digits {
            "" => None,
            // More than a name can have parts is all of them.
            digits => Some(digits.parse().unwrap_or(usize::MAX)),
        };
        let reversed = rest.strip_prefix(['r', 'R']);
        let delimiters = reversed.unwrap_or(rest);
        if parts == Some(0) || !delimiters.chars().all(|c| ".-+,/_=".contains(c)) {
            return None;
        }
        Some(Self {
            letter: lower,
            is_escaped: letter.is_ascii_uppercase(),
            parts,
            is_reversed: reversed.is_some(),
            delimiters: if delimiters.is_empty() { "." } else { delimiters }.to_owned(),
        })
    }

    fn value(&self, facts: &Facts<'_>) -> String {
        let value = match self.letter {
            's' => format!("{}@{}", facts.local, facts.sender_domain),
            'l' => facts.local.to_owned(),
            'o' => facts.sender_domain.to_owned(),
            'd' => facts.domain.to_owned(),
            'i' => dotted(facts.peer),
            'p' => facts.peer_name.to_owned(),
            'v' if facts.peer.is_ipv4() => "in-addr".to_owned(),
            'v' => "ip6".to_owned(),
            'h' => facts.helo.to_owned(),
            'c' => facts.peer.to_string(),
            'r' => facts.receiver.to_owned(),
            't' => facts.now.to_string(),
            _ => String::new(),
        };
        let mut parts: Vec<&str> = value.split(|c| self.delimiters.contains(c)).collect();
        if self.is_reversed {
            parts.reverse();
        }
        let from = parts.len().saturating_sub(self.parts.unwrap_or(usize::MAX));
        let value = parts.get(from..).unwrap_or_default().join(".");
        if self.is_escaped { escaped(&value) } else { value }
    }
}

/// The address in dots: IPv6 by its digits (RFC 7208 §7.3).
fn dotted(peer: IpAddr) -> String {
    match peer {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let digits: Vec<String> = format!("{:032x}", u128::from(ip)).chars().map(String::from).collect();
            digits.join(".")
        }
    }
}

/// RFC 3986 §2.3: all but unreserved characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            escaped.push(char::from(octet));
        } else {
            escaped.push_str(&format!("%{octet:02X}"));
        }
    }
    escaped
}
