//! What somebody may do with a mailbox (RFC 4314 §2.1).

use std::fmt;

use super::ids::MailboxId;
use super::mailbox::Flags;

/// The letters, in the order in which they are written.
const LETTERS: &str = "lrswipkxtea";

/// A set of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rights(u16);

/// The text names a right that there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rights are l, r, s, w, i, p, k, x, t, e, a, and c and d for several of them")]
pub struct BadRights;

impl Rights {
    /// None.
    pub const NONE: Self = Self(0);
    /// `l`: the mailbox is listed.
    pub const LOOKUP: Self = Self(1);
    /// `r`: its messages can be read.
    pub const READ: Self = Self(1 << 1);
    /// `s`: `\Seen` can be changed.
    pub const SEEN: Self = Self(1 << 2);
    /// `w`: other flags can be.
    pub const WRITE: Self = Self(1 << 3);
    /// `i`: messages can be put into it.
    pub const INSERT: Self = Self(1 << 4);
    /// `k`: mailboxes can be made below it.
    pub const CREATE: Self = Self(1 << 6);
    /// `x`: it can be deleted.
    pub const DELETE: Self = Self(1 << 7);
    /// `t`: `\Deleted` can be changed.
    pub const TRASH: Self = Self(1 << 8);
    /// `e`: messages can be removed.
    pub const EXPUNGE: Self = Self(1 << 9);
    /// `a`: its rights can be given.
    pub const ADMIN: Self = Self(1 << 10);
    /// All of them.
    pub const ALL: Self = Self((1 << 11) - 1);

    /// Reads letters. `c` stands for `k`, `d` for `x`, `t` and `e` (RFC 4314 §2.1.1).
    pub fn parse(text: &str) -> Result<Self, BadRights> {
        text.chars().try_fold(Self::NONE, |rights, letter| {
            let more = match letter {
                'c' => Self::CREATE,
                'd' => Self::DELETE.with(Self::TRASH).with(Self::EXPUNGE),
                letter => Self(1 << LETTERS.find(letter).ok_or(BadRights)?),
            };
            Ok(rights.with(more))
        })
    }

    /// Whether all of `other` are among them.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is among them.
    pub const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These and `other`.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The flags that can be changed with them (RFC 4314 §4).
    pub fn flags(self) -> Flags {
        let every = Flags::from_bits(u32::MAX);
        let others = every.without(Flags::SEEN).without(Flags::DELETED);
        let of = |right, flags| if self.contains(right) { flags } else { Flags::NONE };
        of(Self::SEEN, Flags::SEEN)
            .with(of(Self::TRASH, Flags::DELETED))
            .with(of(Self::WRITE, others))
    }

    /// The letters, each right once: as they are kept.
    pub fn letters(self) -> String {
        let letters = LETTERS.chars().enumerate().filter(|(at, _)| self.0 & (1 << at) != 0);
        letters.map(|(_, letter)| letter).collect()
    }
}

/// With `c` and `d` beside what they stand for, for clients of RFC 2086 (RFC 4314 §2.1.1).
impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.letters())?;
        if self.contains(Self::CREATE) {
            f.write_str("c")?;
        }
        if self.has_any(Self::DELETE.with(Self::TRASH).with(Self::EXPUNGE)) {
            f.write_str("d")?;
        }
        Ok(())
    }
}

/// What became of somebody's rights on a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightsChange {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Whose rights: a login in lower case, or `anyone`.
    pub identifier: String,
    /// Those before; none: there were none.
    pub before: Option<Rights>,
    /// Those since.
    pub after: Option<Rights>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_and_written() {
        assert_eq!(Rights::parse("lrswipkxtea"), Ok(Rights::ALL));
        assert_eq!(Rights::parse("").unwrap(), Rights::NONE);
        assert_eq!(Rights::parse("dc").unwrap().letters(), "kxte");
        assert_eq!(Rights::parse("rl").unwrap().to_string(), "lr");
        assert_eq!(Rights::ALL.to_string(), "lrswipkxteacd");
        for text in ["L", "lrq", "l r", "0"] {
            assert_eq!(Rights::parse(text), Err(BadRights), "{text}");
        }
    }

    #[test]
    fn flags_go_by_rights() {
        let flags = |text: &str| Rights::parse(text).unwrap().flags();
        assert!(flags("lri").is_empty());
        assert_eq!(flags("s"), Flags::SEEN);
        assert_eq!(flags("t"), Flags::DELETED);
        assert!(flags("w").contains(Flags::DRAFT.with(Flags::keyword(25).unwrap())));
        assert!(!flags("w").contains(Flags::SEEN));
    }
}
