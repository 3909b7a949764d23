//! Texts of a request become values: of a body with the field named, of a path with "there is no such thing".

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::problem::{Kind, Problem};
use crate::mail::directory::Picked;
use crate::model::account::AliasAddress;
use crate::model::address::{Domain, EmailAddress};
use crate::model::labels::{Labels, LabelsChange, MAX_NAME, MAX_VALUE};
use crate::model::refusal::Refusal;

/// The longest display name, description or name of a key, in characters.
const TEXT: usize = 255;

/// The largest size or count: the databases keep signed 64-bit numbers.
const LARGEST: u64 = i64::MAX as u64;

/// What a user logs in with, and is named by in paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Login {
    /// A user with a mailbox.
    Address(EmailAddress),
    /// An administrator without one.
    Name(String),
}

impl Login {
    /// The form that the directory finds users by.
    pub fn key(&self) -> String {
        match self {
            Self::Address(address) => address.canonical(),
            Self::Name(name) => name.clone(),
        }
    }

    /// The domain, if it has one.
    pub fn domain(&self) -> Option<&Domain> {
        match self {
            Self::Address(address) => address.domain(),
            Self::Name(_) => None,
        }
    }

    /// Whether `login` of a user is this one.
    pub fn is(&self, login: &str) -> bool {
        login.parse::<Self>().is_ok_and(|login| login == *self)
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl FromStr for Login {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('@') {
            return EmailAddress::parse(text).map(Self::Address).map_err(|error| error.to_string());
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if text.is_empty() || text.len() > 64 || !text.chars().all(plain) {
            return Err(
                "right would be a mail address; or, for an administrator without a mailbox, letters, digits, '.', '-' and '_'".to_owned(),
            );
        }
        Ok(Self::Name(text.to_ascii_lowercase()))
    }
}

/// A value of the body, in the field of this name.
pub(super) fn value<T: FromStr<Err: ToString>>(field: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error: T::Err| invalid(field, error.to_string()))
}

/// Many values of the body, in the field of this name.
pub(super) fn values<T: FromStr<Err: ToString>>(field: &str, texts: &[String]) -> Result<Vec<T>, Problem> {
    texts
        .iter()
        .enumerate()
        .map(|(index, text)| value(&format!("{field}[{index}]"), text))
        .collect()
}

/// The part of the path that names a thing. What cannot be a name is the name of nothing.
pub(super) fn named<T: FromStr>(what: &'static str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| not_found(what, text))
}

/// A key that stands in the path and may be repeated in the body: then it must be the same.
pub(super) fn same<T: FromStr<Err: ToString> + PartialEq>(field: &str, path: &T, body: Option<&str>) -> Result<(), Problem> {
    match body {
        Some(text) if value::<T>(field, text)? != *path => Err(invalid(field, "it differs from the one in the path")),
        _ => Ok(()),
    }
}

/// A text for people: one line, not too long.
pub(super) fn text(field: &str, text: String) -> Result<String, Problem> {
    if text.chars().any(char::is_control) {
        return Err(invalid(field, "it has a control character"));
    }
    if text.chars().count() > TEXT {
        return Err(invalid(field, format!("it is longer than {TEXT} characters")));
    }
    Ok(text)
}

/// A size or a count.
pub(super) fn number(field: &str, number: Option<u64>) -> Result<Option<u64>, Problem> {
    match number {
        Some(number) if number > LARGEST => Err(invalid(field, format!("it is larger than {LARGEST}"))),
        number => Ok(number),
    }
}

/// What others note on a thing, of a body that has all of it.
pub(super) fn labels(metadata: Option<BTreeMap<String, String>>, tags: Option<Vec<String>>) -> Labels {
    Labels {
        metadata: metadata.unwrap_or_default(),
        tags: tags.unwrap_or_default().into_iter().collect(),
    }
}

/// The same of a merge patch.
pub(super) fn labels_change(metadata: Option<Option<BTreeMap<String, Option<String>>>>, tags: Option<Vec<String>>) -> LabelsChange {
    LabelsChange {
        metadata,
        tags: tags.map(|tags| tags.into_iter().collect()),
    }
}

/// What a list of the directory is picked by: a tag, `name:value` of the metadata, a text.
pub(super) fn picked(tag: Option<String>, metadata: Option<String>, search: Option<String>) -> Result<Picked, Problem> {
    Ok(Picked {
        tag: filter("tag", tag, MAX_NAME)?,
        metadata: metadata_filter(metadata)?,
        search: filter("search", search, TEXT)?,
        ..Picked::default()
    })
}

/// A filter of a list, of no more characters than a match could have.
pub(super) fn filter(name: &'static str, text: Option<String>, most: usize) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.chars().count() > most => {
            Err(Problem::new(Kind::Malformed, format!("{name} has no more than {most} characters")).at(name))
        }
        text => Ok(text),
    }
}

/// A filter by metadata: `name:value`.
fn metadata_filter(text: Option<String>) -> Result<Option<(String, String)>, Problem> {
    let Some(text) = filter("metadata", text, MAX_NAME + 1 + MAX_VALUE)? else {
        return Ok(None);
    };
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| Problem::new(Kind::Malformed, "right would be name:value").at("metadata"))?;
    Ok(Some((name.to_owned(), value.to_owned())))
}

/// An address with its domain for people, where that differs.
pub(super) fn unicode(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let domain = Domain::parse(domain).ok()?;
    let shown = domain.to_unicode();
    (shown != domain.as_str()).then(|| format!("{local}@{shown}"))
}

/// The field of the body is invalid.
pub(super) fn invalid(field: &str, detail: impl Into<String>) -> Problem {
    Problem::new(Kind::Invalid, detail).at(field)
}

/// There is no such thing, as far as the caller may know.
pub(super) fn not_found(what: &'static str, name: &str) -> Problem {
    Refusal::NotFound {
        what,
        name: name.to_owned(),
    }
    .into()
}

/// The domain that an alias belongs to.
pub(super) fn domain_of_alias(address: &AliasAddress) -> Option<&Domain> {
    match address {
        AliasAddress::Address(address) => address.domain(),
        AliasAddress::CatchAll(domain) => Some(domain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_addresses_or_plain_names() {
        let login = |text: &str| text.parse::<Login>();
        assert_eq!(login("Ada@BÜCHER.example").unwrap().key(), "ada@xn--bcher-kva.example");
        assert_eq!(login("Admin").unwrap().key(), "admin");
        assert!(login("admin").unwrap().is("ADMIN"));
        assert!(!login("ada@x.test").unwrap().is("ada@y.test"));
        for bad in ["", "a b", "a\0", "a@", "@x.test", "ä", &"a".repeat(65)] {
            assert!(login(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_key_repeated_in_the_body_must_be_the_same() {
        let domain = Domain::parse("example.test").unwrap();
        assert!(same("domain", &domain, None).is_ok());
        assert!(same("domain", &domain, Some("EXAMPLE.test")).is_ok());
        assert!(same("domain", &domain, Some("other.test")).is_err());
    }

    #[test]
    fn texts_and_numbers_are_bounded() {
        assert!(text("description", "x".repeat(256)).is_err());
        assert!(text("description", "a\0b".to_owned()).is_err());
        assert!(number("quota_bytes", Some(u64::MAX)).is_err());
        assert_eq!(number("quota_bytes", Some(7)).unwrap(), Some(7));
        assert!(values::<EmailAddress>("destinations", &["a@x.test".to_owned(), "b".to_owned()]).is_err());
    }
}
