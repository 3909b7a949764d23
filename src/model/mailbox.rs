//! Mailboxes, flags, and what the index knows of a message.
//!
//! RFC 3501 §2.3 (attributes), RFC 6154 §2 (special use), RFC 5258 §3 (names).

use std::fmt;

use jiff::Timestamp;

use super::ids::{MailboxId, ModSeq, Uid};

/// The separator of mailbox names on the wire.
pub const SEPARATOR: char = '/';

/// A mailbox name in Unicode, parts separated by `/`. `INBOX` is always spelled in capitals (RFC 3501 §5.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxName(Box<str>);

/// Why a text is no mailbox name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadMailboxName(pub &'static str);

impl MailboxName {
    /// Reads a name: at most 10 levels, 200 octets a level, no empty level, no control characters, no `%` or `*`.
    pub fn parse(text: &str) -> Result<Self, BadMailboxName> {
        if text.is_empty() {
            return Err(BadMailboxName("the mailbox name is empty"));
        }
        if text.chars().any(|c| c.is_control() || c == '%' || c == '*') {
            return Err(BadMailboxName("the mailbox name has a control character, '%' or '*'"));
        }
        let levels: Vec<&str> = text.split(SEPARATOR).collect();
        if levels.len() > 10 {
            return Err(BadMailboxName("the mailbox name has more than 10 levels"));
        }
        if levels.iter().any(|level| level.is_empty()) {
            return Err(BadMailboxName("the mailbox name has an empty level"));
        }
        if levels.iter().any(|level| level.len() > 200) || text.len() > 240 {
            return Err(BadMailboxName("the mailbox name is longer than 240 octets"));
        }
        match levels.split_first() {
            Some((first, rest)) if first.eq_ignore_ascii_case("INBOX") => {
                let mut name = String::from("INBOX");
                for level in rest {
                    name.push(SEPARATOR);
                    name.push_str(level);
                }
                Ok(Self(name.into()))
            }
            _ => Ok(Self(text.into())),
        }
    }

    /// The INBOX.
    pub fn inbox() -> Self {
        Self("INBOX".into())
    }

    /// Whether it is the INBOX.
    pub fn is_inbox(&self) -> bool {
        &*self.0 == "INBOX"
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names above this one, nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = MailboxName> + '_ {
        self.0.rmatch_indices(SEPARATOR).map(|(at, _)| Self(self.0[..at].into()))
    }

    /// This name with `from` at its begin replaced by `to`, if it is below `from`.
    pub fn moved(&self, from: &Self, to: &Self) -> Option<Self> {
        let rest = self.0.strip_prefix(from.as_str())?.strip_prefix(SEPARATOR)?;
        Self::parse(&format!("{to}{SEPARATOR}{rest}")).ok()
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a mailbox is for (RFC 6154 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpecialUse {
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Archive, Self::Drafts, Self::Junk, Self::Sent, Self::Trash];

    /// The name without the backslash, which is also the default mailbox's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "Archive",
            Self::Drafts => "Drafts",
            Self::Junk => "Junk",
            Self::Sent => "Sent",
            Self::Trash => "Trash",
        }
    }

    /// Reads the name, with or without the backslash, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('\\').unwrap_or(text);
        Self::ALL.into_iter().find(|it| it.as_str().eq_ignore_ascii_case(text))
    }
}

/// A message's flags: the system flags, and one bit for each of a mailbox's 26 keywords (Maildir has the letters a to z).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u32);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// `\Draft`, Maildir `D`.
    pub const DRAFT: Self = Self(1);
    /// `\Flagged`, Maildir `F`.
    pub const FLAGGED: Self = Self(1 << 1);
    /// `$Forwarded`, Maildir `P` (passed).
    pub const FORWARDED: Self = Self(1 << 2);
    /// `\Answered`, Maildir `R` (replied).
    pub const ANSWERED: Self = Self(1 << 3);
    /// `\Seen`, Maildir `S`.
    pub const SEEN: Self = Self(1 << 4);
    /// `\Deleted`, Maildir `T` (trashed).
    pub const DELETED: Self = Self(1 << 5);

    /// The keyword number `index` of the mailbox (0 is Maildir's `a`); none above 25.
    pub const fn keyword(index: u8) -> Option<Self> {
        if index < 26 { Some(Self(1 << (6 + index))) } else { None }
    }

    /// The numbers of the keywords set.
    pub fn keywords(self) -> impl Iterator<Item = u8> {
        (0..26).filter(move |index| self.0 & (1 << (6 + index)) != 0)
    }

    /// The bits, as the database keeps them.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// From the bits of [`Flags::bits`].
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether none is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These and `other`.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of them that are in `other` too.
    pub const fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// These without `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// How STORE changes flags (RFC 3501 §6.4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagChange {
    /// `FLAGS`
    Replace(Flags),
    /// `+FLAGS`
    Add(Flags),
    /// `-FLAGS`
    Remove(Flags),
    /// `FLAGS`, by somebody who may change only the second ones: the others stay.
    Among(Flags, Flags),
}

impl FlagChange {
    /// The flags after the change.
    pub const fn apply(self, old: Flags) -> Flags {
        let (kept, set) = self.masks();
        old.only(kept).with(set)
    }

    /// Which flags stay as they are, and which are set whatever they were; all others are taken away.
    pub const fn masks(self) -> (Flags, Flags) {
        let all = Flags(u32::MAX);
        match self {
            Self::Replace(new) => (Flags::NONE, new),
            Self::Add(more) => (all, more),
            Self::Remove(less) => (all.without(less), Flags::NONE),
            Self::Among(new, changeable) => (all.without(changeable), new.only(changeable)),
        }
    }
}

/// A mailbox, without its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxInfo {
    /// Its id.
    pub id: MailboxId,
    /// Its name.
    pub name: MailboxName,
    /// RFC 3501 §2.3.1.1.
    pub uidvalidity: u32,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Whether LSUB lists it.
    pub subscribed: bool,
}

/// The counts of a mailbox (RFC 3501 §6.3.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailboxStatus {
    /// Whose counts.
    pub id: MailboxId,
    /// How many messages.
    pub messages: u32,
    /// How many without `\Seen`.
    pub unseen: u32,
    /// How many with `\Deleted`.
    pub deleted: u32,
    /// The octets of those (RFC 9208 §4.1.4).
    pub deleted_size: u64,
    /// How many that no session has been told of as new.
    pub recent: u32,
    /// The next UID.
    pub uid_next: Uid,
    /// RFC 3501 §2.3.1.1.
    pub uidvalidity: u32,
    /// The highest modseq (RFC 7162 §3.1.2.1).
    pub highest_modseq: ModSeq,
    /// The octets of all messages (RFC 8438).
    pub size: u64,
}

/// What the index knows of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageMeta {
    /// Its UID.
    pub uid: Uid,
    /// Its flags.
    pub flags: Flags,
    /// When it last changed.
    pub modseq: ModSeq,
    /// Its size in octets (RFC822.SIZE).
    pub size: u64,
    /// INTERNALDATE.
    pub internal_date: Timestamp,
}

impl AsRef<Self> for MessageMeta {
    fn as_ref(&self) -> &Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbox_is_spelled_one_way() {
        assert!(MailboxName::parse("inBox").unwrap().is_inbox());
        assert_eq!(MailboxName::parse("inbox/x").unwrap().as_str(), "INBOX/x");
        for bad in ["", "/", "a//b", "/a", "a/", "a*", "a%", "a\u{7}", "1/2/3/4/5/6/7/8/9/10/11"] {
            assert!(MailboxName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn flags_are_changed() {
        let (seen, flagged, draft) = (Flags::SEEN, Flags::FLAGGED, Flags::DRAFT);
        let old = seen.with(flagged);
        for (change, new) in [
            (FlagChange::Replace(draft), draft),
            (FlagChange::Add(draft), old.with(draft)),
            (FlagChange::Remove(seen.with(draft)), flagged),
            (FlagChange::Among(draft, seen.with(draft)), flagged.with(draft)),
            (FlagChange::Among(draft, seen), flagged),
        ] {
            assert_eq!(change.apply(old), new, "{change:?}");
        }
    }

    #[test]
    fn renaming_moves_what_is_below() {
        let name = |text| MailboxName::parse(text).unwrap();
        assert_eq!(name("a/b/c").moved(&name("a"), &name("x/y")), Some(name("x/y/b/c")));
        assert_eq!(name("ab/c").moved(&name("a"), &name("x")), None);
        assert_eq!(name("a/b/c").ancestors().collect::<Vec<_>>(), [name("a/b"), name("a")]);
    }
}
