//! The collation i;unicode-casemap (RFC 5051 §2), by which SORT and THREAD compare texts (RFC 5256 §2, RFC 5255 §4.2: I18NLEVEL=1).
//!
//! SEARCH compares in the looser form of [`super::search`], which finds whatever this one would, and `ß` as `ss` too.

use unicode_normalization::char::decompose_compatible;

/// The text in title case and decomposed; two texts are equal, or one stands before the other, as the octets of these do.
pub fn casemap(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char.is_ascii() {
            true => out.push(char.to_ascii_uppercase()),
            false => decompose_compatible(title(char), |part| out.push(part)),
        }
    }
    out
}

/// The simple title case of UnicodeData: one character for one.
fn title(char: char) -> char {
    match char {
        // The digraphs have a title case of their own.
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        // Georgian has capitals, but none at the begin of words.
        '\u{10d0}'..='\u{10ff}' => char,
        // Greek with an iota below: its full upper case is two letters.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => moved(char, 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => moved(char, 9),
        _ => {
            let mut upper = char.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(upper), None) => upper,
                _ => char,
            }
        }
    }
}

fn moved(char: char, by: u32) -> char {
    char::from_u32(u32::from(char).saturating_add(by)).unwrap_or(char)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::search::Needle;

    #[test]
    fn texts_are_mapped() {
        for (text, want) in [
            ("", ""),
            ("aZ9[", "AZ9["),
            ("Grün", "GRU\u{308}N"),
            ("gru\u{308}n", "GRU\u{308}N"),
            // RFC 5051 §2: one character for one, so that these stay what they are.
            ("ß", "ß"),
            ("ﬁ", "fi"),
            ("ς", "Σ"),
            ("ǆ", "Dz\u{30c}"),
            ("ᾳ", "Α\u{345}"),
            ("ა", "ა"),
            ("Å", "A\u{30a}"),
            ("日本", "日本"),
        ] {
            assert_eq!(casemap(text), want, "{text}");
        }
    }

    /// What is equal by this collation is found by SEARCH, whatever the character.
    #[test]
    fn searching_is_never_stricter() {
        for char in ('\0'..=char::MAX).filter(|char| !char.is_ascii()) {
            let (text, mapped) = (char.to_string(), casemap(&char.to_string()));
            if mapped == text {
                continue;
            }
            assert!(Needle::new(&mapped).is_in(&text), "{char:?}");
            assert!(Needle::new(&text).is_in(&mapped), "{char:?}");
        }
    }
}
