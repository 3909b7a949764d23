//! Addresses in tests: which part of them is looked at (RFC 5228 §2.7.4, RFC 5233 §4).

use super::arguments::Arguments;
use super::extension::Extension;
use super::settings::Settings;
use super::signature::{Tag, tag};
use crate::model::address::is_atext;
use crate::wire::message::structure::{Address, addresses};

const PART: &str = "address part";

/// The tags that name a part.
pub(super) const TAGS: &[Tag] = &[
    tag("all").among(PART),
    tag("localpart").among(PART),
    tag("domain").among(PART),
    tag("user").of(Extension::Subaddress).among(PART),
    tag("detail").of(Extension::Subaddress).among(PART),
];

/// A part of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressPart {
    All,
    Localpart,
    Domain,
    User,
    Detail,
}

impl AddressPart {
    /// The part that the tags name.
    pub fn compile(arguments: &Arguments<'_, '_, '_>) -> Self {
        let named = [
            ("localpart", Self::Localpart),
            ("domain", Self::Domain),
            ("user", Self::User),
            ("detail", Self::Detail),
        ];
        named
            .into_iter()
            .find(|(tag, _)| arguments.flag(tag))
            .map_or(Self::All, |(_, part)| part)
    }

    /// This part of an address; none where it has no detail.
    pub fn of(self, address: &Mailbox, settings: &Settings) -> Option<String> {
        let split = || {
            let is_delimiter = |char: char| settings.recipient_delimiters.contains(char);
            let at = address.local.find(is_delimiter)?;
            let (user, detail) = address.local.split_at_checked(at)?;
            let mut detail = detail.chars();
            detail.next();
            Some((user, detail.as_str()))
        };
        // RFC 5228 §5.1: what is no address has no parts.
        if self != Self::All && (address.local.is_empty() || address.domain.is_empty()) {
            return None;
        }
        match self {
            Self::All => Some(address.to_string()),
            Self::Localpart => Some(address.local.clone()),
            Self::Domain => Some(address.domain.clone()),
            Self::User => Some(split().map_or(address.local.as_str(), |(user, _)| user).to_owned()),
            Self::Detail => split().map(|(_, detail)| detail.to_owned()),
        }
    }
}

/// An address, unquoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mailbox {
    pub local: String,
    /// Empty where the message has none.
    pub domain: String,
}

impl std::fmt::Display for Mailbox {
    /// As RFC 5321 §4.1.2 spells it: quoted where it must be.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (local, domain) = (&self.local, &self.domain);
        match domain.is_empty() {
            true => f.write_str(local),
            false if local.chars().all(|char| char == '.' || is_atext(char)) => write!(f, "{local}@{domain}"),
            false => write!(f, "\"{}\"@{domain}", local.replace('\\', "\\\\").replace('"', "\\\"")),
        }
    }
}

/// The addresses of a header field, groups member by member.
pub(super) fn mailboxes(value: &str) -> Vec<Mailbox> {
    let list = addresses(value.as_bytes()).into_iter();
    list.filter_map(|address| match address {
        Address::Mailbox { local, domain, .. } => Some(Mailbox {
            local: String::from_utf8_lossy(&local).into_owned(),
            domain: String::from_utf8_lossy(&domain).into_owned(),
        }),
        Address::GroupStart(_) | Address::GroupEnd => None,
    })
    .collect()
}

/// The address of an envelope, as RFC 5321 §4.1.2 spells it; a local part alone is one too. None if it is none.
pub(super) fn envelope(text: &str) -> Option<Mailbox> {
    let (local, domain) = match text.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted.rfind('"')?;
            let domain = quoted.get(end.checked_add(1)?..)?;
            let domain = if domain.is_empty() { None } else { Some(domain.strip_prefix('@')?) };
            (unescaped(quoted.get(..end)?), domain)
        }
        None => {
            let (local, domain) = text.split_once('@').map_or((text, None), |(local, domain)| (local, Some(domain)));
            if !local.chars().all(|char| char == '.' || is_atext(char)) {
                return None;
            }
            (local.to_owned(), domain)
        }
    };
    let is_right = domain.is_none_or(|domain| domain.starts_with('[') || is_domain(domain));
    (is_right && !local.is_empty()).then(|| Mailbox {
        local,
        domain: domain.unwrap_or_default().to_owned(),
    })
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        out.extend(if char == '\\' { chars.next() } else { Some(char) });
    }
    out
}

/// Labels of letters, digits, hyphens and underscores.
pub(super) fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|char| char.is_alphanumeric() || matches!(char, '-' | '_'));
    text.split('.').all(is_label)
}

/// The address that mail is sent to, without its display name, in the form for the envelope (RFC 5228 §2.4.2.3: one address of RFC 5322
/// without groups). What is wrong with it, if it is none.
pub(super) fn outgoing(text: &str) -> Result<String, &'static str> {
    if text.matches('<').count() != text.matches('>').count() || text.matches('<').count() > 1 {
        return Err("its angle brackets do not match");
    }
    let list = addresses(text.as_bytes());
    let [Address::Mailbox { local, domain, name, .. }] = list.as_slice() else {
        return Err("it is not exactly one address");
    };
    let (Ok(local), Ok(domain)) = (std::str::from_utf8(local), std::str::from_utf8(domain)) else {
        return Err("it is not UTF-8");
    };
    if local.is_empty() {
        return Err("there is nothing before the @");
    }
    if domain.is_empty() {
        return Err("there is no domain behind an @");
    }
    if name.is_some() && !text.contains('<') && !text.contains('(') {
        return Err("a name must be followed by the address in angle brackets");
    }
    if !local.is_ascii() || local.bytes().any(|octet| octet.is_ascii_control()) || local.len() > 64 {
        return Err("the part before the @ has a character that is not ASCII");
    }
    let is_right = domain.starts_with('[') || (domain.is_ascii() && is_domain(domain));
    if !is_right {
        return Err("the domain has a character other than letters, digits, '-' and '.'");
    }
    let address = Mailbox {
        local: local.to_owned(),
        domain: domain.to_owned(),
    };
    Ok(address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outgoing_addresses_are_checked() {
        for (text, address) in [
            ("a@b.test", Some("a@b.test")),
            ("A B <a@b.test>", Some("a@b.test")),
            (" more  @  example.com  ", Some("more@example.com")),
            (".jp@example.com", Some(".jp@example.com")),
            ("\"S[r]us\"@example.net", Some("\"S[r]us\"@example.net")),
            ("\"Sirius\"@example.net", Some("Sirius@example.net")),
            ("@x.test", None),
            ("error", None),
            ("error@", None),
            ("A B error@example.org", None),
            ("A <error@example.org", None),
            (" more error @  example.com  ", None),
            ("<>", None),
            ("a@b.test,c@d.test", None),
            ("a@b.test, %&^&!!~", None),
            ("rüdiger@example.com", None),
        ] {
            assert_eq!(outgoing(text).ok().as_deref(), address, "{text}");
        }
    }

    #[test]
    fn parts_of_addresses() {
        let settings = Settings {
            recipient_delimiters: "-+".into(),
            ..Settings::default()
        };
        let envelope = |text: &str| super::envelope(text).unwrap();
        let address = envelope("ken+-sieve@example.org");
        assert_eq!(AddressPart::User.of(&address, &settings).as_deref(), Some("ken"));
        assert_eq!(AddressPart::Detail.of(&address, &settings).as_deref(), Some("-sieve"));
        assert_eq!(AddressPart::Detail.of(&envelope("ken@example.org"), &settings), None);
        assert_eq!(
            AddressPart::Detail.of(&envelope("ken+@example.org"), &settings).as_deref(),
            Some("")
        );
        assert_eq!(
            AddressPart::Localpart.of(&envelope("\"a b\"@example.org"), &settings).as_deref(),
            Some("a b")
        );
        for text in ["", "a@", "@b", "a@b@c", "<a@b>", "a b@c", "a@b..c"] {
            assert_eq!(super::envelope(text), None, "{text}");
        }
    }
}
