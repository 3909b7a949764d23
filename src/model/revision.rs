//! Which state of a thing somebody saw, and which they expect to change (RFC 9110 §13.1).

use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::str::FromStr;

use jiff::Timestamp;

use super::ids::{ModSeq, Uid};
use super::refusal::Refusal;

/// A state of a thing: which thing, and when it was last changed. No two states of a thing have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    id: i64,
    changed_ms: i64,
}

impl Revision {
    /// The state of the thing with this id since this moment.
    pub fn new(id: i64, changed_at: Timestamp) -> Self {
        Self {
            id,
            changed_ms: changed_at.as_millisecond(),
        }
    }

    /// The state of the message with this number since this change of its mailbox.
    pub fn of_message(uid: Uid, modseq: ModSeq) -> Self {
        Self {
            id: i64::from(uid.0),
            changed_ms: modseq.0.cast_signed(),
        }
    }

    /// The state of the thing with this id that nobody notes the changes of: by all that it is.
    pub fn of_all(id: i64, all: impl std::hash::Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        all.hash(&mut hasher);
        Self {
            id,
            changed_ms: hasher.finish().cast_signed(),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.id.cast_unsigned(), self.changed_ms.cast_unsigned())
    }
}

/// The text is no revision of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a revision")]
pub struct BadRevision;

impl FromStr for Revision {
    type Err = BadRevision;

    fn from_str(text: &str) -> Result<Self, BadRevision> {
        let (id, changed) = text.split_once('-').ok_or(BadRevision)?;
        let number = |digits| u64::from_str_radix(digits, 16).map(u64::cast_signed).map_err(|_| BadRevision);
        Ok(Self {
            id: number(id)?,
            changed_ms: number(changed)?,
        })
    }
}

/// States that somebody names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum States {
    /// Any in which the thing is there.
    Any,
    /// These.
    These(Vec<Revision>),
}

impl States {
    fn include(&self, found: Option<Revision>) -> bool {
        match self {
            Self::Any => found.is_some(),
            Self::These(revisions) => found.is_some_and(|found| revisions.contains(&found)),
        }
    }
}

/// In which states a thing may be when it is changed. The default: in any, or not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectation {
    /// One of these (RFC 9110 §13.1.1).
    pub is: Option<States>,
    /// None of these (RFC 9110 §13.1.2).
    pub is_not: Option<States>,
}

impl Expectation {
    /// Whether the thing, if there is one, is as expected. Errors: Changed.
    pub fn check(&self, found: Option<Revision>) -> Result<(), Refusal> {
        let is = self.is.as_ref().is_none_or(|states| states.include(found));
        let is_not = self.is_not.as_ref().is_none_or(|states| !states.include(found));
        if is && is_not { Ok(()) } else { Err(Refusal::Changed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(id: i64, ms: i64) -> Revision {
        Revision { id, changed_ms: ms }
    }

    #[test]
    fn revisions_are_written_and_read_back() {
        for known in [revision(0, 0), revision(i64::MAX, 1_764_000_000_123), revision(17, -5)] {
            assert_eq!(known.to_string().parse(), Ok(known));
        }
        for bad in ["", "-", "1", "x-1", "1-", "1-2-g"] {
            assert!(bad.parse::<Revision>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_expectation_is_met_or_not() {
        let (old, new) = (revision(1, 1), revision(1, 2));
        let is = |states| Expectation {
            is: Some(states),
            is_not: None,
        };
        let is_not = |states| Expectation {
            is: None,
            is_not: Some(states),
        };
        for (expectation, found, met) in [
            (Expectation::default(), None, true),
            (is(States::Any), None, false),
            (is(States::Any), Some(new), true),
            (is(States::These(vec![old])), Some(new), false),
            (is(States::These(vec![old, new])), Some(new), true),
            (is(States::These(vec![])), Some(new), false),
            (is_not(States::Any), None, true),
            (is_not(States::Any), Some(new), false),
            (is_not(States::These(vec![old])), Some(new), true),
        ] {
            assert_eq!(expectation.check(found).is_ok(), met, "{expectation:?} {found:?}");
        }
    }
}
