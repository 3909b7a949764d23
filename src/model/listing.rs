//! What DNS lists answer: addresses that are codes.
//!
//! RFC 5782 §2.1 (values that are returned)

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Codes of a DNS list: an IPv4 address, each of whose numbers may also be a range (`127.0.0.4-7`), any (`127.0.*.3`), or one that has any
/// of some bits (`127.0.0.&24`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Codes([Number; 4]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    From(u8, u8),
    HasAny(u8),
}

impl Codes {
    /// Whether an answer is one of them.
    pub fn contain(&self, answer: Ipv4Addr) -> bool {
        self.0.iter().zip(answer.octets()).all(|(number, octet)| match *number {
            Number::From(least, most) => (least..=most).contains(&octet),
            Number::HasAny(bits) => octet & bits != 0,
        })
    }
}

impl FromStr for Number {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let octet = |text: &str| text.parse::<u8>().map_err(|_| ());
        match (text, text.strip_prefix('&'), text.split_once('-')) {
            ("*", ..) => Ok(Self::From(0, u8::MAX)),
            (_, Some(bits), _) => octet(bits).and_then(|bits| if bits == 0 { Err(()) } else { Ok(Self::HasAny(bits)) }),
            (_, _, Some((least, most))) => match (octet(least)?, octet(most)?) {
                (least, most) if least <= most => Ok(Self::From(least, most)),
                _ => Err(()),
            },
            _ => octet(text).map(|octet| Self::From(octet, octet)),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From(0, u8::MAX) => f.write_str("*"),
            Self::From(least, most) if least == most => write!(f, "{least}"),
            Self::From(least, most) => write!(f, "{least}-{most}"),
            Self::HasAny(bits) => write!(f, "&{bits}"),
        }
    }
}

/// A text that is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no code of a DNS list; right would be one such as '127.0.0.2', '127.0.0.4-7', '127.0.*.3' or '127.0.0.&8'")]
pub struct BadCodes(String);

impl FromStr for Codes {
    type Err = BadCodes;

    fn from_str(text: &str) -> Result<Self, BadCodes> {
        let numbers: Result<Vec<Number>, ()> = text.split('.').map(str::parse).collect();
        let numbers = numbers.ok().and_then(|it| <[Number; 4]>::try_from(it).ok());
        numbers.map(Self).ok_or_else(|| BadCodes(text.to_owned()))
    }
}

impl TryFrom<String> for Codes {
    type Error = BadCodes;

    fn try_from(text: String) -> Result<Self, BadCodes> {
        text.parse()
    }
}

impl From<Codes> for String {
    fn from(codes: Codes) -> Self {
        codes.to_string()
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third, fourth] = self.0;
        write!(f, "{first}.{second}.{third}.{fourth}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_and_hold() {
        for (text, within, without) in [
            ("127.0.0.2", &["127.0.0.2"][..], &["127.0.0.3", "127.0.1.2"][..]),
            ("127.0.0.4-7", &["127.0.0.4", "127.0.0.7"], &["127.0.0.3", "127.0.0.8"]),
            ("127.0.*.3", &["127.0.0.3", "127.0.255.3"], &["127.1.0.3", "127.0.0.2"]),
            (
                "127.0.0.&24",
                &["127.0.0.8", "127.0.0.16", "127.0.0.10"],
                &["127.0.0.4", "127.0.0.128"],
            ),
        ] {
            let codes: Codes = text.parse().unwrap();
            assert_eq!(codes.to_string(), text);
            assert!(within.iter().all(|answer| codes.contain(answer.parse().unwrap())), "{text}");
            assert!(!without.iter().any(|answer| codes.contain(answer.parse().unwrap())), "{text}");
        }
        for wrong in [
            "",
            "127.0.0",
            "127.0.0.2.1",
            "127.0.0.7-4",
            "127.0.0.&0",
            "127.0.0.256",
            "127.0.0.x",
            "127.0.0.-",
        ] {
            assert!(wrong.parse::<Codes>().is_err(), "{wrong}");
        }
    }
}
