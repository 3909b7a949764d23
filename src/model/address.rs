//! Mail addresses and domains.
//!
//! RFC 5321 §4.1.2 (Mailbox), RFC 6531 §3.3 (UTF-8 in both parts), RFC 5890 §2.3.2.1 (A-labels).

use std::fmt;
use std::net::IpAddr;

/// Why a text is not an address or a domain: says what was wrong in words that can be shown to its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(pub &'static str);

/// A domain name in its one canonical spelling: lower case, A-labels (`xn--…`) for what is not ASCII, no final dot.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(Box<str>);

impl Domain {
    /// Reads a domain name, in ASCII or Unicode form. At most 253 octets, 63 a label (RFC 1035 §2.3.4).
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Err(BadAddress("the domain is empty"));
        }
        let ascii = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            idna::domain_to_ascii(text).map_err(|_| BadAddress("the domain is not a valid internationalised name"))?
        };
        if ascii.len() > 253 {
            return Err(BadAddress("the domain is longer than 253 characters"));
        }
        for label in ascii.split('.') {
            if label.is_empty() {
                return Err(BadAddress("the domain has an empty label"));
            }
            if label.len() > 63 {
                return Err(BadAddress("a label of the domain is longer than 63 characters"));
            }
            if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
                return Err(BadAddress("the domain has a character other than letters, digits, '-' and '.'"));
            }
            if label.starts_with('-') || label.ends_with('-') {
                return Err(BadAddress("a label of the domain begins or ends with '-'"));
            }
        }
        Ok(Self(ascii.into()))
    }

    /// The canonical ASCII form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form for people: U-labels where the name has any.
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }
}

/// Whether a domain name is another one, or below it (RFC 8499 §7); letters' case and the other's final dot do not count.
pub fn is_at_or_below(name: &str, domain: &str) -> bool {
    let domain = domain.trim_end_matches('.');
    let parts = name.len().checked_sub(domain.len()).and_then(|at| name.split_at_checked(at));
    parts.is_some_and(|(before, end)| end.eq_ignore_ascii_case(domain) && (before.is_empty() || before.ends_with('.')))
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The part after the `@`: a name, or an address in brackets (RFC 5321 §4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A domain name.
    Domain(Domain),
    /// `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    Literal(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => domain.fmt(f),
            Self::Literal(IpAddr::V4(ip)) => write!(f, "[{ip}]"),
            Self::Literal(IpAddr::V6(ip)) => write!(f, "[IPv6:{ip}]"),
        }
    }
}

/// A mail address. The local part is kept as it was written, without its quotes; comparing ignores its case.
#[derive(Clone)]
pub struct EmailAddress {
    local: Box<str>,
    host: Host,
}

impl EmailAddress {
    /// Joins an unquoted local part and a host. At most 64 octets, no control characters (RFC 5321 §4.5.3.1.1).
    pub fn new(local: &str, host: Host) -> Result<Self, BadAddress> {
        if local.is_empty() {
            return Err(BadAddress("the part before the @ is empty"));
        }
        if local.len() > 64 {
            return Err(BadAddress("the part before the @ is longer than 64 octets"));
        }
        if local.chars().any(char::is_control) {
            return Err(BadAddress("the part before the @ has a control character"));
        }
        Ok(Self { local: local.into(), host })
    }

    /// Reads `local@domain`, `"quoted local"@domain` or `local@[literal]`.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let (local, host) = text.rsplit_once('@').ok_or(BadAddress("the address has no @"))?;
        let local = match local.strip_prefix('"') {
            Some(rest) => unquote(rest)?,
            None => {
                // RFC 5321 §4.1.2 Dot-string; RFC 6531 §3.3 adds UTF-8.
                if local.split('.').any(str::is_empty) {
                    return Err(BadAddress("the part before the @ has a dot at its begin or end, or two together"));
                }
                if !local.chars().all(|c| c == '.' || is_atext(c)) {
                    return Err(BadAddress("the part before the @ has a character that must be quoted"));
                }
                local.to_owned()
            }
        };
        let host = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            Some(literal) => Host::Literal(parse_literal(literal)?),
            None => Host::Domain(Domain::parse(host)?),
        };
        Self::new(&local, host)
    }

    /// The local part, without quotes.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// What stands after the `@`.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The domain, unless the host is an address literal.
    pub fn domain(&self) -> Option<&Domain> {
        match &self.host {
            Host::Domain(domain) => Some(domain),
            Host::Literal(_) => None,
        }
    }

    /// The key under which the directory stores and finds the address: all lower case.
    pub fn canonical(&self) -> String {
        format!("{}@{}", self.local.to_lowercase(), self.host)
    }

    /// Whether the address can only travel with SMTPUTF8 (RFC 6531 §3.3).
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.is_ascii()
    }
}

/// RFC 5322 §3.2.3 atext, and any character outside of ASCII (RFC 6531 §3.3).
pub fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
}

fn unquote(rest: &str) -> Result<String, BadAddress> {
    let inner = rest
        .strip_suffix('"')
        .ok_or(BadAddress("the quoted part before the @ is not closed"))?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next().ok_or(BadAddress("the quoted part before the @ ends with '\\'"))?),
            '"' => return Err(BadAddress("the quoted part before the @ has a bare '\"'")),
            c => out.push(c),
        }
    }
    Ok(out)
}

/// RFC 5321 §4.1.3, the inside of the brackets.
pub fn parse_literal(text: &str) -> Result<IpAddr, BadAddress> {
    let bad = BadAddress("the address literal is neither an IPv4 address nor IPv6: and an IPv6 address");
    match text.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => text.get(5..).and_then(|ip| ip.parse().ok()).map(IpAddr::V6).ok_or(bad),
        _ => text.parse().map(IpAddr::V4).map_err(|_| bad),
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}
impl Eq for EmailAddress {}
impl std::hash::Hash for EmailAddress {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl fmt::Display for EmailAddress {
    /// The form for the wire: the local part quoted where it must be (RFC 5321 §4.1.2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext));
        if plain {
            return write!(f, "{}@{}", self.local, self.host);
        }
        f.write_str("\"")?;
        for c in self.local.chars() {
            if c == '"' || c == '\\' {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, "\"@{}", self.host)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for EmailAddress {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        Self::parse(text)
    }
}

impl std::str::FromStr for Domain {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_back() {
        for (text, local, shown) in [
            ("ada@client.test", "ada", "ada@client.test"),
            ("Ada.Lovelace+x@Client.TEST.", "Ada.Lovelace+x", "Ada.Lovelace+x@client.test"),
            (r#""a b\"c"@x.test"#, r#"a b"c"#, r#""a b\"c"@x.test"#),
            (r#""plain"@x.test"#, "plain", "plain@x.test"),
            ("a@[192.0.2.1]", "a", "a@[192.0.2.1]"),
            ("a@[IPv6:2001:db8::1]", "a", "a@[IPv6:2001:db8::1]"),
            ("jürgen@bücher.example", "jürgen", "jürgen@xn--bcher-kva.example"),
        ] {
            let address = EmailAddress::parse(text).unwrap();
            assert_eq!(address.local(), local);
            assert_eq!(address.to_string(), shown);
            assert_eq!(EmailAddress::parse(shown).unwrap(), address);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "a",
            "@x.test",
            "a@",
            "a..b@x.test",
            ".a@x.test",
            "a b@x.test",
            "a@x..test",
            "a@-x.test",
            "\"a@x.test",
            "a@[1.2.3]",
            "a\u{0}b@x.test",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
        assert!(EmailAddress::parse(&format!("{}@x.test", "a".repeat(65))).is_err());
        assert!(Domain::parse(&"a".repeat(64)).is_err());
    }

    #[test]
    fn comparing_ignores_case() {
        assert_eq!(
            EmailAddress::parse("BOB@House.Test").unwrap(),
            EmailAddress::parse("bob@house.test").unwrap()
        );
        assert_eq!(Domain::parse("BÜCHER.example").unwrap().to_unicode(), "bücher.example");
    }
}
