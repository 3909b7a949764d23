//! Who is kept out, and who is always let in.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use jiff::Timestamp;

use super::address::{Domain, EmailAddress};
use super::network::Network;

/// A network whose connections are not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Which.
    pub network: Network,
    /// Why, in words for people.
    pub reason: String,
    /// Whether the server decided so by itself.
    pub is_automatic: bool,
    /// How often the network was banned lately, with this time.
    pub times: u32,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when; none: until somebody lifts it.
    pub ends_at: Option<Timestamp>,
}

/// One of the operator's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccessList {
    /// Who is refused.
    Block,
    /// Who is never banned, and whose mail is not taken for spam.
    Allow,
}

impl AccessList {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Block => "blocklist",
            Self::Allow => "allowlist",
        }
    }
}

/// Whom an entry of a list is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Connections from this network.
    Network(Network),
    /// Mail from this sender.
    Sender(EmailAddress),
    /// Mail from senders of this domain and those below it.
    Domain(Domain),
}

/// The text is no network, address or domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is none of these; right would be an address or network such as 192.0.2.0/24, a sender such as ada@example.org, or a domain such as example.org"
)]
pub struct BadSubject(String);

impl FromStr for Subject {
    type Err = BadSubject;

    fn from_str(text: &str) -> Result<Self, BadSubject> {
        let bad = || BadSubject(text.chars().take(80).collect());
        if let Ok(network) = text.parse::<Network>() {
            return Ok(Self::Network(network.canonical()));
        }
        if text.contains('@') {
            return EmailAddress::parse(text).map(Self::Sender).map_err(|_| bad());
        }
        // A name of digits alone was meant as an address.
        let is_name = text
            .rsplit('.')
            .next()
            .is_some_and(|label| !label.bytes().all(|octet| octet.is_ascii_digit()));
        match Domain::parse(text) {
            Ok(domain) if is_name && text.contains('.') => Ok(Self::Domain(domain)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Subject {
    /// In the one spelling by which it is kept and found.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Sender(address) => f.write_str(&address.canonical()),
            Self::Domain(domain) => domain.fmt(f),
        }
    }
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEntry {
    /// Whom it is about.
    pub subject: Subject,
    /// What the operator notes on it.
    pub note: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it holds; none: until it is removed.
    pub ends_at: Option<Timestamp>,
}

/// What an address or a network is given as: one address is a network of its own, of IPv6 the /64 it belongs to, which one customer has.
pub fn network_of(text: &str) -> Result<Network, String> {
    match text.parse::<IpAddr>() {
        Ok(ip) if ip.to_canonical().is_ipv6() => Ok(Network::around(ip, 64)),
        _ => text.parse().map(Network::canonical),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_have_one_spelling() {
        for (text, spelled) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("2001:DB8::1", "2001:db8::1/128"),
            ("Ada@Example.ORG", "ada@example.org"),
            ("Bücher.example", "xn--bcher-kva.example"),
        ] {
            let subject: Subject = text.parse().unwrap();
            assert_eq!(subject.to_string(), spelled);
            assert_eq!(spelled.parse(), Ok(subject));
        }
        for wrong in ["", "localhost", "192.0.2", "192.0.2.999", "192.0.2.0/33", "a@", "@example.org", "*"] {
            assert!(wrong.parse::<Subject>().is_err(), "{wrong}");
        }
        assert_eq!(network_of("2001:db8::1").unwrap().to_string(), "2001:db8::/64");
        assert_eq!(network_of("192.0.2.1").unwrap().to_string(), "192.0.2.1/32");
    }
}
