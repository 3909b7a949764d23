//! SEARCH as a value (RFC 3501 §6.4.4).

use jiff::civil::Date;

use crate::model::mailbox::Flags;

use super::partial::Partial;
use super::sequence::SequenceSet;

/// SEARCH and UID SEARCH.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// UID SEARCH.
    pub uid: bool,
    /// What to find, or why it cannot be read.
    pub key: Result<Key, BadCharset>,
    /// RETURN: absent for the old form of the answer (RFC 4731 §3.1).
    pub returns: Option<Returns>,
}

/// A charset that we do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadCharset;

/// The charsets that SEARCH knows, for BADCHARSET.
pub const CHARSETS: [&str; 2] = ["US-ASCII", "UTF-8"];

/// What SEARCH RETURN wants. Nothing is ALL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Returns {
    /// MIN
    pub min: bool,
    /// MAX
    pub max: bool,
    /// ALL
    pub all: bool,
    /// COUNT
    pub count: bool,
    /// PARTIAL (RFC 9394 §3.1)
    pub partial: Option<Partial>,
    /// SAVE: `$` stands for it from now on (RFC 5182 §2.1).
    pub save: bool,
    /// UPDATE: changes of it are told (RFC 5267 §4.3).
    pub update: bool,
}

impl Returns {
    /// Whether a part of what was found is named.
    pub fn names_results(&self) -> bool {
        self.min || self.max || self.all || self.count || self.partial.is_some()
    }

    /// Whether all numbers are told: asked for, or because nothing else was (RFC 4731 §3.1). SAVE alone tells nothing (RFC 5182 §2.1).
    pub fn tells_all(&self) -> bool {
        self.all || !(self.names_results() || self.save)
    }
}

/// A day compared with one given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// BEFORE
    Before(Date),
    /// ON
    On(Date),
    /// SINCE
    Since(Date),
}

impl When {
    /// Whether `day` is such a day.
    pub fn matches(self, day: Date) -> bool {
        match self {
            Self::Before(limit) => day < limit,
            Self::On(limit) => day == limit,
            Self::Since(limit) => day >= limit,
        }
    }
}

/// What a message must be. The many names of RFC 3501 are brought down to these.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// All of these; of none: every message.
    And(Vec<Key>),
    /// One of the two.
    Or(Box<Key>, Box<Key>),
    /// Not this.
    Not(Box<Key>),
    /// A sequence set.
    Sequence(SequenceSet),
    /// UID
    Uid(SequenceSet),
    /// ANSWERED, DELETED, DRAFT, FLAGGED, SEEN.
    Flag(Flags),
    /// KEYWORD
    Keyword(String),
    /// RECENT
    Recent,
    /// LARGER
    Larger(u64),
    /// SMALLER
    Smaller(u64),
    /// BEFORE, ON, SINCE: the internal date.
    Internal(When),
    /// SENTBEFORE, SENTON, SENTSINCE: the Date header.
    Sent(When),
    /// FROM, TO, CC, BCC, SUBJECT, HEADER: the field has the text; with an empty text, the field is there.
    Header {
        /// The field's name.
        name: String,
        /// The text.
        text: String,
    },
    /// BODY
    Body(String),
    /// TEXT
    Text(String),
    /// EMAILID (RFC 8474 §5.3)
    EmailId(String),
    /// THREADID (RFC 8474 §5.3)
    ThreadId(String),
    /// OLDER: the internal date is at least so many seconds ago (RFC 5032 §3).
    Older(u32),
    /// YOUNGER: and at most so many.
    Younger(u32),
    /// SAVEDBEFORE, SAVEDON, SAVEDSINCE (RFC 8514 §4.3)
    Saved(When),
    /// MODSEQ: changed at this or later (RFC 7162 §3.1.5).
    ModSeq(u64),
}

impl Key {
    /// Whether the key, or one inside of it, is a set of sequence numbers.
    pub fn asks_sequence(&self) -> bool {
        match self {
            Self::Sequence(_) => true,
            Self::And(keys) => keys.iter().any(Self::asks_sequence),
            Self::Or(a, b) => a.asks_sequence() || b.asks_sequence(),
            Self::Not(key) => key.asks_sequence(),
            _ => false,
        }
    }

    /// How many keys of the kind there are in it, lists of keys not counted.
    pub fn count(&self, is_of_kind: fn(&Self) -> bool) -> usize {
        let inside = |keys: &[&Self]| keys.iter().fold(0_usize, |sum, key| sum.saturating_add(key.count(is_of_kind)));
        match self {
            Self::And(keys) => inside(&keys.iter().collect::<Vec<_>>()),
            Self::Or(a, b) => inside(&[a, b]),
            Self::Not(key) => key.count(is_of_kind),
            key => usize::from(is_of_kind(key)),
        }
    }

    /// Whether it looks into messages, or stands for what another search found.
    pub fn is_laborious(&self) -> bool {
        match self {
            Self::Header { .. } | Self::Body(_) | Self::Text(_) => true,
            Self::Sequence(set) | Self::Uid(set) => set.is_saved(),
            _ => false,
        }
    }

    /// Whether the key, or one inside of it, is a MODSEQ.
    pub fn asks_modseq(&self) -> bool {
        match self {
            Self::ModSeq(_) => true,
            Self::And(keys) => keys.iter().any(Self::asks_modseq),
            Self::Or(a, b) => a.asks_modseq() || b.asks_modseq(),
            Self::Not(key) => key.asks_modseq(),
            _ => false,
        }
    }

    /// Whether what it says of a message changes with the message alone: neither with its number, nor with time, nor with the session.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::And(keys) => keys.iter().all(Self::is_lasting),
            Self::Or(a, b) => a.is_lasting() && b.is_lasting(),
            Self::Not(key) => key.is_lasting(),
            Self::Uid(set) => !set.is_saved(),
            Self::Sequence(_) | Self::Recent | Self::Older(_) | Self::Younger(_) | Self::ModSeq(_) => false,
            // These are looked up for the whole mailbox.
            Self::EmailId(_) | Self::ThreadId(_) | Self::Saved(_) => false,
            _ => true,
        }
    }
}
