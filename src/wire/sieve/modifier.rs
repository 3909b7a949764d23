//! Modifiers of values that variables get (RFC 5229 §4.1; RFC 5435 §6, draft-ietf-sieve-regex-01 §4).

use super::arguments::Arguments;
use super::extension::Extension;
use super::signature::{Tag, tag};

/// The tags; those of one precedence exclude each other.
pub(super) const TAGS: &[Tag] = &[
    tag("lower").among("modifier of precedence 40"),
    tag("upper").among("modifier of precedence 40"),
    tag("lowerfirst").among("modifier of precedence 30"),
    tag("upperfirst").among("modifier of precedence 30"),
    tag("quotewildcard").among("modifier of precedence 20"),
    tag("quoteregex").of(Extension::Regex).among("modifier of precedence 20"),
    tag("encodeurl").of(Extension::Enotify).among("modifier of precedence 15"),
    tag("length").among("modifier of precedence 10"),
];

/// A change of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Modifier {
    Lower,
    Upper,
    LowerFirst,
    UpperFirst,
    QuoteWildcard,
    QuoteRegex,
    EncodeUrl,
    Length,
}

/// In the order in which they are applied.
const ALL: [(&str, Modifier); 8] = [
    ("lower", Modifier::Lower),
    ("upper", Modifier::Upper),
    ("lowerfirst", Modifier::LowerFirst),
    ("upperfirst", Modifier::UpperFirst),
    ("quotewildcard", Modifier::QuoteWildcard),
    ("quoteregex", Modifier::QuoteRegex),
    ("encodeurl", Modifier::EncodeUrl),
    ("length", Modifier::Length),
];

impl Modifier {
    /// Those that the tags name, in the order in which they are applied.
    pub fn compile(arguments: &Arguments<'_, '_, '_>) -> Vec<Self> {
        ALL.into_iter()
            .filter(|(tag, _)| arguments.flag(tag))
            .map(|(_, modifier)| modifier)
            .collect()
    }

    /// The changed value; `most` octets are enough.
    pub fn apply(self, value: Vec<u8>, most: usize) -> Vec<u8> {
        let text = String::from_utf8_lossy(&value);
        let first = |change: fn(char) -> String| {
            let mut chars = text.chars();
            let first = chars.next().map(change).unwrap_or_default();
            (first + chars.as_str()).into_bytes()
        };
        match self {
            Self::Lower => text.to_lowercase().into_bytes(),
            Self::Upper => text.to_uppercase().into_bytes(),
            Self::LowerFirst => first(|char| char.to_lowercase().collect()),
            Self::UpperFirst => first(|char| char.to_uppercase().collect()),
            Self::QuoteWildcard => quote(&value, b"*?\\", most),
            Self::QuoteRegex => quote(&value, b"\\.[]{}()*+?^$|", most),
            Self::EncodeUrl => encode_url(&value, most),
            // RFC 5229 §4.1.6: characters, not octets.
            Self::Length => text.chars().count().to_string().into_bytes(),
        }
    }
}

/// Whole escapes only, so that what is cut off is not half of one.
fn quote(value: &[u8], special: &[u8], most: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for octet in value {
        let is_special = special.contains(octet);
        if out.len().saturating_add(1).saturating_add(usize::from(is_special)) > most {
            break;
        }
        if is_special {
            out.push(b'\\');
        }
        out.push(*octet);
    }
    out
}

/// RFC 5435 §6: all but unreserved characters as `%xx`.
fn encode_url(value: &[u8], most: usize) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(value.len());
    for chunk in value.utf8_chunks() {
        let chars = chunk.valid().chars().map(|char| char.to_string().into_bytes());
        for piece in chars.chain([chunk.invalid().to_vec()]) {
            let mut encoded = Vec::new();
            for octet in piece {
                let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
                match octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
                    true => encoded.push(octet),
                    false => encoded.extend_from_slice(&[b'%', digit(octet >> 4), digit(octet & 15)]),
                }
            }
            // A character is encoded whole, or not at all.
            if out.len().saturating_add(encoded.len()) > most {
                return out;
            }
            out.append(&mut encoded);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_changed() {
        for (modifier, value, changed) in [
            (Modifier::Lower, "JuMBlEd ÄÖ", "jumbled äö"),
            (Modifier::Upper, "jumbled", "JUMBLED"),
            (Modifier::UpperFirst, "juMBlEd", "JuMBlEd"),
            (Modifier::LowerFirst, "JUMBLED", "jUMBLED"),
            (Modifier::QuoteWildcard, "Rock*", "Rock\\*"),
            (Modifier::QuoteRegex, "a.b", "a\\.b"),
            (Modifier::EncodeUrl, "Safe body&evil=ü", "Safe%20body%26evil%3D%C3%BC"),
            (Modifier::Length, "Rüben", "5"),
            (Modifier::UpperFirst, "", ""),
        ] {
            assert_eq!(modifier.apply(value.as_bytes().to_vec(), 1000), changed.as_bytes(), "{modifier:?}");
        }
        assert_eq!(Modifier::QuoteWildcard.apply(b"a*".to_vec(), 2), b"a");
        assert_eq!(Modifier::EncodeUrl.apply(b"a*".to_vec(), 3), b"a");
    }
}
