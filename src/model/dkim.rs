//! Keys that sign outgoing mail, as everybody but `mail::sign` may see them: without the private half.
//!
//! RFC 6376 §3.1 (selectors), RFC 6376 §3.6 (the DNS record), RFC 8463 §4 (Ed25519).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::address::{BadAddress, Domain};

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA with 2048 bits: every receiver knows it.
    Rsa,
    /// Ed25519 (RFC 8463): short and quick, but not known everywhere.
    Ed25519,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Rsa, Self::Ed25519];

    /// The name in `k=` of the DNS record (RFC 6376 §3.6.1, RFC 8463 §4.1), and everywhere else.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// What a key is for at the moment. At most one key of each algorithm is active in a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Its record is to be published; it does not sign yet.
    Pending,
    /// It signs.
    Active,
    /// It signs no more; its record stays published until the mail that it signed has arrived everywhere.
    Retired,
}

impl KeyState {
    /// The name of the state, in the API and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}

/// The name of a key within its domain: one or several labels in lower case (RFC 6376 §3.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector(Domain);

impl Selector {
    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for Selector {
    type Err = BadAddress;

    /// At most 63 octets, so that there is room for it before any domain.
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        if text.len() > 63 || text.ends_with('.') || !text.is_ascii() {
            return Err(BadAddress("a selector is 1 to 63 letters, digits, '-' and '.'"));
        }
        Domain::parse(text)
            .map(Self)
            .map_err(|_| BadAddress("a selector is 1 to 63 letters, digits, '-' and '.'"))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A key of a domain, without its private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkimKey {
    /// Whose mail it signs.
    pub domain: Domain,
    /// Its name there.
    pub selector: Selector,
    /// How it signs.
    pub algorithm: Algorithm,
    /// Whether it signs.
    pub state: KeyState,
    /// The public half as it stands in `p=`, before base64: a SubjectPublicKeyInfo for RSA, 32 octets for Ed25519.
    pub public_key: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

impl DkimKey {
    /// The name of its TXT record (RFC 6376 §3.6.2.1).
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// The text of its TXT record (RFC 6376 §3.6.1).
    pub fn record(&self) -> String {
        let algorithm = self.algorithm.name();
        format!("v=DKIM1; k={algorithm}; p={}", STANDARD.encode(&self.public_key))
    }

    /// The record as a line of a zone file.
    pub fn zone_line(&self) -> String {
        zone_line(&self.record_name(), &self.record())
    }
}

/// A TXT record as a line of a zone file, in strings of at most 255 octets (RFC 1035 §3.3.14).
pub fn zone_line(name: &str, record: &str) -> String {
    let mut strings = Vec::new();
    let mut rest = record;
    while let Some((string, more)) = rest.split_at_checked(255).or((!rest.is_empty()).then_some((rest, ""))) {
        strings.push(format!("\"{string}\""));
        rest = more;
    }
    format!("{name}. IN TXT ( {} )", strings.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(octets: usize) -> DkimKey {
        DkimKey {
            domain: Domain::parse("house.test").unwrap(),
            selector: "S1".parse().unwrap(),
            algorithm: Algorithm::Ed25519,
            state: KeyState::Active,
            public_key: vec![0; octets],
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_record_is_what_goes_into_the_dns() {
        assert_eq!(key(3).record_name(), "s1._domainkey.house.test");
        assert_eq!(key(3).record(), "v=DKIM1; k=ed25519; p=AAAA");
        assert_eq!(
            key(3).zone_line(),
            "s1._domainkey.house.test. IN TXT ( \"v=DKIM1; k=ed25519; p=AAAA\" )"
        );
        let long = key(294).zone_line();
        let strings: Vec<&str> = long.split('"').skip(1).step_by(2).collect();
        assert_eq!(strings.iter().map(|it| it.len()).collect::<Vec<_>>(), [255, 159]);
        assert_eq!(strings.concat(), key(294).record());
    }

    #[test]
    fn selectors_are_labels() {
        for good in ["a", "mail-2026", "a.b"] {
            assert_eq!(good.parse::<Selector>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "a.", "a b", "ä", "-a", "a..b", &"a".repeat(64)] {
            assert!(bad.parse::<Selector>().is_err(), "{bad}");
        }
    }
}
