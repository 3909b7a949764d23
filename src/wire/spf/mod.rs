//! SPF records: what a domain says of who may send for it, and the names and texts that its macros make.
//!
//! Called by `mail::checks::spf`, which asks the name servers. Pure; a record with a mistake anywhere is no record.
//!
//! RFC 7208 §4.5 (which record), §4.6.1 (terms), §5 (mechanisms), §6 (modifiers), §7 (macros), §12 (grammar).

mod text;

use std::net::{Ipv4Addr, Ipv6Addr};

use text::Usage;
pub use text::{Facts, Text};

use crate::model::verdict::Outcome;

/// The record of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// In their order: the first one that matches decides.
    pub directives: Vec<Directive>,
    /// Whose record is asked where nothing matches (RFC 7208 §6.1).
    pub redirect: Option<Text>,
    /// The name of the explanation of a failure (RFC 7208 §6.2).
    pub explanation: Option<Text>,
}

/// A mechanism, and what it means that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// `pass`, `fail`, `softfail` or `neutral`.
    pub outcome: Outcome,
    /// What matches.
    pub mechanism: Mechanism,
}

/// What is asked of the client's address (RFC 7208 §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mechanism {
    /// Nothing: it always matches.
    All,
    /// The record of another domain lets it pass.
    Include(Text),
    /// It is in the network of an address of the name.
    A(Hosts),
    /// It is in the network of an address of a mail server of the name.
    Mx(Hosts),
    /// Its own name, which leads back to it, is the name or below it.
    Ptr(Option<Text>),
    /// It is in this network.
    Ip4(Ipv4Addr, u8),
    /// It is in this network.
    Ip6(Ipv6Addr, u8),
    /// The name has an address, whichever.
    Exists(Text),
}

/// A name, and how long the prefixes of the networks of its addresses are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// None: the domain whose record it is.
    pub name: Option<Text>,
    /// At most 32.
    pub prefix4: u8,
    /// At most 128.
    pub prefix6: u8,
}

/// The record has a mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// There are octets that are not ASCII (RFC 7208 §3.1).
    #[error("the record is not ASCII")]
    NotAscii,
    /// There is no such term.
    #[error("'{0}' is no term")]
    Term(String),
    /// It may be there once only (RFC 7208 §6).
    #[error("'{0}' is there twice")]
    Twice(&'static str),
}

/// Whether a TXT record is meant as one of SPF (RFC 7208 §4.5).
pub fn is_record(text: &[u8]) -> bool {
    let (version, rest) = text.split_at_checked(VERSION.len()).unwrap_or((text, b""));
    version.eq_ignore_ascii_case(VERSION) && matches!(rest.first(), None | Some(b' '))
}

const VERSION: &[u8] = b"v=spf1";

impl Record {
    /// Reads a record that [`is_record`].
    pub fn parse(text: &[u8]) -> Result<Self, BadRecord> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii());
        let text = text.ok_or(BadRecord::NotAscii)?;
        let terms = text.get(VERSION.len()..).unwrap_or_default();
        let mut record = Self::default();
        for term in terms.split(' ').filter(|term| !term.is_empty()) {
            record
                .take(term)
                .ok_or_else(|| BadRecord::Term(term.escape_default().to_string()))??;
        }
        Ok(record)
    }

    /// Takes in a term; none if it is by no grammar.
    fn take(&mut self, term: &str) -> Option<Result<(), BadRecord>> {
        let name_end = term.find([':', '/', '=']).unwrap_or(term.len());
        let (name, rest) = term.split_at_checked(name_end)?;
        if let Some(value) = rest.strip_prefix('=') {
            return self.take_modifier(name, value);
        }
        self.directives.push(directive(name, rest)?);
        Some(Ok(()))
    }

    fn take_modifier(&mut self, name: &str, value: &str) -> Option<Result<(), BadRecord>> {
        let (place, name) = match name.to_ascii_lowercase().as_str() {
            "redirect" => (&mut self.redirect, "redirect"),
            "exp" => (&mut self.explanation, "exp"),
            // RFC 7208 §6: others are passed over, as long as they are by the grammar.
            other => {
                let is_name = other.starts_with(|c: char| c.is_ascii_alphabetic())
                    && other.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet));
                Text::parse(value, Usage::Any).filter(|_| is_name)?;
                return Some(Ok(()));
            }
        };
        let value = Text::parse(value, Usage::Name)?;
        if place.replace(value).is_some() {
            return Some(Err(BadRecord::Twice(name)));
        }
        Some(Ok(()))
    }
}

fn directive(name: &str, rest: &str) -> Option<Directive> {
    let (outcome, name) = match name.split_at_checked(1)? {
        ("+", name) => (Outcome::Pass, name),
        ("-", name) => (Outcome::Fail, name),
        ("~", name) => (Outcome::SoftFail, name),
        ("?", name) => (Outcome::Neutral, name),
        _ => (Outcome::Pass, name),
    };
    let value = rest.strip_prefix(':');
    let mechanism = match name.to_ascii_lowercase().as_str() {
        "all" if rest.is_empty() => Mechanism::All,
        "include" => Mechanism::Include(Text::parse(value?, Usage::Name)?),
        "a" => Mechanism::A(hosts(rest)?),
        "mx" => Mechanism::Mx(hosts(rest)?),
        "ptr" if rest.is_empty() => Mechanism::Ptr(None),
        "ptr" => Mechanism::Ptr(Some(Text::parse(value?, Usage::Name)?)),
        "ip4" => {
            let (address, prefix) = network(value?, 32)?;
            Mechanism::Ip4(address.parse().ok()?, prefix)
        }
        "ip6" => {
            let (address, prefix) = network(value?, 128)?;
            Mechanism::Ip6(address.parse().ok()?, prefix)
        }
        "exists" => Mechanism::Exists(Text::parse(value?, Usage::Name)?),
        _ => return None,
    };
    Some(Directive { outcome, mechanism })
}

/// `[ ":" domain-spec ] [ "/" prefix ] [ "//" prefix ]`. A name may have slashes in it, so the prefixes are looked for from the end.
fn hosts(rest: &str) -> Option<Hosts> {
    let (rest, prefix6) = match rest.rsplit_once("//") {
        Some((before, digits)) if is_number(digits) => (before, prefix(digits, 128)?),
        _ => (rest, 128),
    };
    let (rest, prefix4) = match rest.rsplit_once('/') {
        Some((before, digits)) if is_number(digits) => (before, prefix(digits, 32)?),
        _ => (rest, 32),
    };
    let name = match rest.strip_prefix(':') {
        Some(name) => Some(Text::parse(name, Usage::Name)?),
        None if rest.is_empty() => None,
        None => return None,
    };
    Some(Hosts { name, prefix4, prefix6 })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit())
}

fn network(text: &str, longest: u8) -> Option<(&str, u8)> {
    match text.split_once('/') {
        Some((address, digits)) => Some((address, prefix(digits, longest)?)),
        None => Some((text, longest)),
    }
}

/// A number without zeros before it.
fn prefix(digits: &str, longest: u8) -> Option<u8> {
    let is_plain = is_number(digits) && (digits == "0" || !digits.starts_with('0'));
    let length: u8 = digits.parse().ok().filter(|_| is_plain)?;
    (length <= longest).then_some(length)
}

#[cfg(test)]
mod tests;
