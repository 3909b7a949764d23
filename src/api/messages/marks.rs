//! The marks of messages, as requests set them.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::body::present;
use crate::api::field::invalid;
use crate::api::problem::Problem;
use crate::mail::mailbox::Mailbox;
use crate::model::mailbox::{FlagChange, Flags};
use crate::model::refusal::Refusal;

/// The most keywords of a request: a mailbox has room for no more.
const KEYWORDS: usize = 26;
/// The longest keyword, in octets.
const KEYWORD: usize = 100;

/// A change of marks: what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"seen": true, "add_keywords": ["invoice"]}))]
pub(in crate::api) struct Marks {
    #[serde(default, deserialize_with = "present")]
    pub seen: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    pub flagged: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    pub answered: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    pub forwarded: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    pub draft: Option<bool>,
    /// Marked for removal, as IMAP clients do.
    #[serde(default, deserialize_with = "present")]
    pub deleted: Option<bool>,
    /// These keywords, and no others.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_items = 26)]
    pub keywords: Option<Vec<String>>,
    /// These keywords too.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_items = 26)]
    pub add_keywords: Option<Vec<String>>,
    /// These keywords no longer.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_items = 26)]
    pub remove_keywords: Option<Vec<String>>,
}

/// Marks that were checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Change {
    set: Flags,
    clear: Flags,
    keywords: Option<Vec<String>>,
    add: Vec<String>,
    remove: Vec<String>,
}

impl Marks {
    /// The change that is asked for.
    pub(super) fn read(self) -> Result<Change, Problem> {
        let mut change = Change::default();
        for (wanted, flag) in [
            (self.seen, Flags::SEEN),
            (self.flagged, Flags::FLAGGED),
            (self.answered, Flags::ANSWERED),
            (self.forwarded, Flags::FORWARDED),
            (self.draft, Flags::DRAFT),
            (self.deleted, Flags::DELETED),
        ] {
            match wanted {
                Some(true) => change.set = change.set.with(flag),
                Some(false) => change.clear = change.clear.with(flag),
                None => {}
            }
        }
        change.keywords = self.keywords.map(|names| keywords("keywords", names)).transpose()?;
        change.add = keywords("add_keywords", self.add_keywords.unwrap_or_default())?;
        change.remove = keywords("remove_keywords", self.remove_keywords.unwrap_or_default())?;
        Ok(change)
    }
}

impl Change {
    /// Whether nothing is to change.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The change for messages of this mailbox: keywords that are new are made.
    pub(super) async fn of_flags(&self, mailbox: &Mailbox) -> Result<FlagChange, Refusal> {
        let every_keyword = (0..26).filter_map(Flags::keyword).fold(Flags::NONE, Flags::with);
        let set = self.set.with(bits(mailbox, self.keywords.as_deref().unwrap_or_default()).await?);
        let set = set.with(bits(mailbox, &self.add).await?);
        let taken = self.remove.iter().filter_map(|name| mailbox.known_keyword(name));
        let clear = taken.fold(self.clear, Flags::with);
        let replaced = if self.keywords.is_some() { every_keyword } else { Flags::NONE };
        Ok(FlagChange::Among(set.without(clear), set.with(clear).with(replaced)))
    }

    /// The flags of a message that has none so far.
    pub(super) async fn flags(&self, mailbox: &Mailbox) -> Result<Flags, Refusal> {
        Ok(self.of_flags(mailbox).await?.apply(Flags::NONE))
    }
}

async fn bits(mailbox: &Mailbox, names: &[String]) -> Result<Flags, Refusal> {
    let mut bits = Flags::NONE;
    for name in names {
        let bit = mailbox.keyword(name).await?;
        let full = || Refusal::LimitReached(format!("the mailbox has no room for another keyword than its {KEYWORDS}"));
        bits = bits.with(bit.ok_or_else(full)?);
    }
    Ok(bits)
}

/// Keywords as IMAP can write them (RFC 9051 §9 flag-keyword).
fn keywords(field: &str, names: Vec<String>) -> Result<Vec<String>, Problem> {
    if names.len() > KEYWORDS {
        return Err(invalid(field, format!("there may be {KEYWORDS} keywords")));
    }
    for (index, name) in names.iter().enumerate() {
        let is_atom = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']');
        if name.is_empty() || name.len() > KEYWORD || !name.bytes().all(is_atom) {
            let detail = "a keyword is of printable ASCII without spaces and ( ) { % * \" \\ ]; at most 100 characters";
            return Err(invalid(&format!("{field}[{index}]"), detail));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_atoms() {
        let names = |names: &[&str]| keywords("keywords", names.iter().map(ToString::to_string).collect());
        assert!(names(&["$Junk", "invoice-2026", "a.b"]).is_ok());
        for bad in ["", "a b", "\\Seen", "ü", "a\"", &"x".repeat(101)] {
            assert!(names(&["ok", bad]).is_err(), "{bad}");
        }
        assert!(names(&["x"; 27]).is_err());
    }

    #[test]
    fn what_is_absent_stays() {
        let change = Marks {
            seen: Some(true),
            flagged: Some(false),
            ..Marks::default()
        };
        let change = change.read().unwrap();
        assert_eq!((change.set, change.clear), (Flags::SEEN, Flags::FLAGGED));
        assert!(Marks::default().read().unwrap().is_empty());
    }
}
