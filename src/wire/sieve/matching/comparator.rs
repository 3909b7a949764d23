//! Comparators (RFC 4790 §9, RFC 5051).

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::wire::message::casemap::casemap;
use crate::wire::sieve::extension::Extension;

/// A comparator (RFC 5228 §2.7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::wire::sieve) enum Comparator {
    Octet,
    AsciiCasemap,
    AsciiNumeric,
    UnicodeCasemap,
}

const NAMES: [(Comparator, &str); 4] = [
    (Comparator::Octet, "i;octet"),
    (Comparator::AsciiCasemap, "i;ascii-casemap"),
    (Comparator::AsciiNumeric, "i;ascii-numeric"),
    (Comparator::UnicodeCasemap, "i;unicode-casemap"),
];

impl Comparator {
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(comparator, _)| *comparator)
    }

    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(comparator, _)| *comparator == self)
            .map_or("", |(_, name)| name)
    }

    /// What must be required for it.
    pub fn needs(self) -> Option<Extension> {
        match self {
            // i;unicode-casemap may be required, but need not: others take it so, and nothing is lost.
            Self::Octet | Self::AsciiCasemap | Self::UnicodeCasemap => None,
            Self::AsciiNumeric => Some(Extension::ComparatorAsciiNumeric),
        }
    }

    /// Whether it can look for a text in another (RFC 4790 §9.1.1: numbers have no substrings).
    pub fn has_substrings(self) -> bool {
        self != Self::AsciiNumeric
    }

    /// The text in the form in which octets are compared.
    pub fn fold(self, text: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Octet | Self::AsciiNumeric => Cow::Borrowed(text),
            Self::AsciiCasemap => Cow::Owned(text.to_ascii_lowercase()),
            Self::UnicodeCasemap => Cow::Owned(casemap(&String::from_utf8_lossy(text)).into_bytes()),
        }
    }

    pub fn order(self, left: &[u8], right: &[u8]) -> Ordering {
        match self {
            Self::AsciiNumeric => number(left).cmp(&number(right)),
            _ => self.fold(left).cmp(&self.fold(right)),
        }
    }

    pub fn contains(self, text: &[u8], part: &[u8]) -> bool {
        memchr::memmem::find(&self.fold(text), &self.fold(part)).is_some()
    }
}

/// RFC 4790 §9.1.1: the digits at the begin; what has none is larger than every number. Longer numbers are larger ones.
fn number(text: &[u8]) -> (bool, usize, &[u8]) {
    let length = text.iter().take_while(|octet| octet.is_ascii_digit()).count();
    let digits = text.get(..length).unwrap_or_default();
    let zeros = digits.iter().take_while(|octet| **octet == b'0').count();
    let digits = digits.get(zeros..).unwrap_or_default();
    (length == 0, digits.len(), digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_ordered() {
        use Comparator::*;
        for (comparator, left, right, order) in [
            (Octet, "a", "A", Ordering::Greater),
            (AsciiCasemap, "a", "A", Ordering::Equal),
            (AsciiCasemap, "ü", "Ü", Ordering::Greater),
            (UnicodeCasemap, "ü", "Ü", Ordering::Equal),
            (AsciiNumeric, "10", "9", Ordering::Greater),
            (AsciiNumeric, "010x", "10", Ordering::Equal),
            (AsciiNumeric, "x", "99", Ordering::Greater),
            (AsciiNumeric, "x", "", Ordering::Equal),
            (AsciiNumeric, "0", "00", Ordering::Equal),
        ] {
            assert_eq!(
                comparator.order(left.as_bytes(), right.as_bytes()),
                order,
                "{comparator:?} {left} {right}"
            );
        }
        assert!(AsciiCasemap.contains(b"Hello", b"ELL") && !Octet.contains(b"Hello", b"ELL"));
    }
}
