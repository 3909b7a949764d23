//! A search key made ready for one mailbox, and what it says of a message.

use std::ops::RangeInclusive;
use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};

use crate::mail::mailbox::{Lookup, Mailbox};
use crate::model::mailbox::{Flags, MessageMeta};
use crate::model::refusal::Refusal;
use crate::server::imap::flags;
use crate::server::imap::selected::Selected;
use crate::wire::imap::date::day;
use crate::wire::imap::search::{Key, When};
use crate::wire::imap::sequence::SequenceSet;
use crate::wire::message::header::{find, is_listed, sent_date};
use crate::wire::message::search::{Needle, header_contains, text_contains};
use crate::wire::message::structure::Structure;

use super::stored;

/// A key whose sets are resolved, whose keywords are bits and whose texts are folded.
pub(super) enum Test {
    All(Vec<Test>),
    Either(Box<Test>, Box<Test>),
    Not(Box<Test>),
    Never,
    Sequence(Vec<RangeInclusive<u32>>),
    Uid(Vec<RangeInclusive<u32>>),
    Flag(Flags),
    Recent,
    Larger(u64),
    Smaller(u64),
    Internal(When),
    /// The internal date is not after this.
    NotAfter(Timestamp),
    /// The internal date is not before this.
    NotBefore(Timestamp),
    ModSeq(u64),
    Sent(When),
    Header {
        name: String,
        is_listed: bool,
        needle: Needle,
    },
    Text(Text),
}

/// A text that is looked for in messages.
pub(super) struct Text {
    needle: Needle,
    header_too: bool,
    /// What the index of words says of it, once it was asked.
    lookup: OnceLock<Lookup>,
}

/// What is known of a message.
pub(super) struct Facts<'a> {
    pub(super) sequence: u32,
    pub(super) message: &'a MessageMeta,
    pub(super) recent: bool,
    pub(super) content: Content<'a>,
}

/// How much of a message has been read.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    Unread,
    /// The fields of the header that are kept.
    Listed(&'a [u8]),
    /// At least the header.
    Header(&'a [u8]),
    Whole(&'a [u8], &'a Structure),
}

impl<'a> Content<'a> {
    /// The header; for a field that is among those that are kept, these alone will do.
    fn header(self, is_listed: bool) -> Option<&'a [u8]> {
        match self {
            Self::Unread => None,
            Self::Listed(octets) => Some(octets).filter(|_| is_listed),
            Self::Header(octets) | Self::Whole(octets, _) => Some(octets),
        }
    }
}

impl Test {
    /// A test for the messages of the mailbox; what is kept of them is looked up.
    pub(super) async fn prepare(key: &mut Key, selected: &Selected) -> Result<Self, Refusal> {
        stored::resolve(key, selected).await?;
        Ok(Self::of(key, selected))
    }

    fn of(key: &Key, selected: &Selected) -> Self {
        match key {
            Key::And(keys) => Self::All(keys.iter().map(|key| Self::of(key, selected)).collect()),
            Key::Or(a, b) => Self::Either(Box::new(Self::of(a, selected)), Box::new(Self::of(b, selected))),
            Key::Not(key) => Self::Not(Box::new(Self::of(key, selected))),
            // RFC 5182 §2.1: wherever it stands, `$` is these messages.
            Key::Sequence(set) | Key::Uid(set) if set.is_saved() => {
                let saved = SequenceSet::of(selected.saved.iter().map(|uid| uid.0));
                Self::Uid(saved.resolve(u32::MAX))
            }
            Key::Sequence(set) => Self::Sequence(set.resolve(u32::try_from(selected.view.len()).unwrap_or(u32::MAX))),
            Key::Uid(set) => Self::Uid(set.resolve(selected.view.last().map_or(0, |message| message.uid.0))),
            Key::Flag(flag) => Self::Flag(*flag),
            // A keyword that the mailbox does not have is on no message.
            Key::Keyword(name) => flags::keyword(&selected.mailbox, name).map_or(Self::Never, Self::Flag),
            // What these find was put in their place.
            Key::EmailId(_) | Key::ThreadId(_) | Key::Saved(_) => Self::Never,
            Key::Recent => Self::Recent,
            Key::Larger(size) => Self::Larger(*size),
            Key::Smaller(size) => Self::Smaller(*size),
            Key::Internal(when) => Self::Internal(*when),
            Key::Older(seconds) => Self::NotAfter(ago(selected, *seconds)),
            Key::Younger(seconds) => Self::NotBefore(ago(selected, *seconds)),
            Key::ModSeq(modseq) => Self::ModSeq(*modseq),
            Key::Sent(when) => Self::Sent(*when),
            Key::Header { name, text } => Self::Header {
                is_listed: is_listed(name.as_bytes()),
                name: name.clone(),
                needle: Needle::new(text),
            },
            Key::Body(text) => Self::Text(Text::new(text, false)),
            Key::Text(text) => Self::Text(Text::new(text, true)),
        }
    }

    /// Whether the kept fields of headers can decide something.
    pub(super) fn reads_listed(&self) -> bool {
        match self {
            Self::All(tests) => tests.iter().any(Self::reads_listed),
            Self::Either(a, b) => a.reads_listed() || b.reads_listed(),
            Self::Not(test) => test.reads_listed(),
            Self::Sent(_) => true,
            Self::Header { is_listed, .. } => *is_listed,
            Self::Text(text) => text.header_too,
            _ => false,
        }
    }

    /// Asks the index of words for all texts that are looked for. Whether it knew of any.
    pub(super) async fn look_up(&self, mailbox: &Mailbox) -> Result<bool, Refusal> {
        let mut texts = Vec::new();
        self.texts(&mut texts);
        let mut known = false;
        for text in texts {
            let Some(clues) = text.needle.clues() else { continue };
            if let Some(lookup) = mailbox.look_up(clues, text.header_too).await? {
                known |= text.lookup.set(lookup).is_ok();
            }
        }
        Ok(known)
    }

    fn texts<'a>(&'a self, texts: &mut Vec<&'a Text>) {
        match self {
            Self::All(tests) => tests.iter().for_each(|test| test.texts(texts)),
            Self::Either(a, b) => [a, b].into_iter().for_each(|test| test.texts(texts)),
            Self::Not(test) => test.texts(texts),
            Self::Text(text) => texts.push(text),
            _ => {}
        }
    }

    /// Whether the message is such a one; none if more of it must be read to know.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Option<bool> {
        let message = facts.message;
        Some(match self {
            Self::All(tests) => return all(tests, facts),
            Self::Either(a, b) => {
                return match (a.judge(facts), b.judge(facts)) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                };
            }
            Self::Not(test) => !test.judge(facts)?,
            Self::Never => false,
            Self::Sequence(ranges) => contains(ranges, facts.sequence),
            Self::Uid(ranges) => contains(ranges, message.uid.0),
            Self::Flag(flag) => message.flags.contains(*flag),
            Self::Recent => facts.recent,
            Self::Larger(size) => message.size > *size,
            Self::Smaller(size) => message.size < *size,
            Self::Internal(when) => when.matches(day(message.internal_date)),
            Self::NotAfter(limit) => message.internal_date <= *limit,
            Self::NotBefore(limit) => message.internal_date >= *limit,
            Self::ModSeq(modseq) => message.modseq.0 >= *modseq,
            // RFC 3501 §6.4.4: the day as it is written, without regard to its zone.
            Self::Sent(when) => find(facts.content.header(true)?, "Date")
                .and_then(sent_date)
                .is_some_and(|day| when.matches(day)),
            Self::Header { name, is_listed, needle } => header_contains(facts.content.header(*is_listed)?, Some(name), needle),
            Self::Text(text) => return text.judge(facts),
        })
    }
}

/// So many seconds before now (RFC 5032 §3).
fn ago(selected: &Selected, seconds: u32) -> Timestamp {
    let now = selected.mailbox.now();
    now.checked_sub(SignedDuration::from_secs(i64::from(seconds)))
        .unwrap_or(Timestamp::MIN)
}

/// All of the tests; what is cheap can decide before what is not known yet.
fn all(tests: &[Test], facts: &Facts<'_>) -> Option<bool> {
    let mut outcome = Some(true);
    for test in tests {
        match test.judge(facts) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => outcome = None,
        }
    }
    outcome
}

impl Text {
    fn new(text: &str, header_too: bool) -> Self {
        Self {
            needle: Needle::new(text),
            header_too,
            lookup: OnceLock::new(),
        }
    }

    fn judge(&self, facts: &Facts<'_>) -> Option<bool> {
        let known = self.lookup.get().and_then(|lookup| lookup.verdict(facts.message.uid));
        known.or_else(|| match facts.content {
            Content::Whole(octets, structure) => Some(text_contains(octets, structure, &self.needle, self.header_too)),
            // The header alone can say yes, and what is kept of it too.
            Content::Header(header) | Content::Listed(header) => {
                (self.header_too && header_contains(header, None, &self.needle)).then_some(true)
            }
            Content::Unread => None,
        })
    }
}

fn contains(ranges: &[RangeInclusive<u32>], value: u32) -> bool {
    let at = ranges.partition_point(|range| *range.end() < value);
    ranges.get(at).is_some_and(|range| range.contains(&value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{ModSeq, Uid};

    const RAW: &[u8] = b"Date: Mon, 7 Feb 1994 23:00:00 -0800\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nhello Body\r\n";

    fn judge(test: &Test, content: Content<'_>) -> Option<bool> {
        let message = MessageMeta {
            uid: Uid(7),
            flags: Flags::SEEN,
            modseq: ModSeq(3),
            size: 100,
            internal_date: jiff::Timestamp::UNIX_EPOCH,
        };
        test.judge(&Facts {
            sequence: 2,
            message: &message,
            recent: false,
            content,
        })
    }

    #[test]
    fn the_index_decides_where_it_can() {
        let unknown = || Test::Text(Text::new("x", true));
        let date = jiff::civil::date(1970, 1, 1);
        for (test, want) in [
            (Test::All(vec![]), Some(true)),
            (Test::All(vec![unknown(), Test::Never]), Some(false)),
            (Test::All(vec![unknown(), Test::Flag(Flags::SEEN)]), None),
            (
                Test::Either(Box::new(unknown()), Box::new(Test::Uid(vec![1..=3, 7..=7]))),
                Some(true),
            ),
            (Test::Not(Box::new(unknown())), None),
            (Test::Not(Box::new(Test::Recent)), Some(true)),
            (Test::Sequence(vec![3..=9]), Some(false)),
            (Test::Larger(100), Some(false)),
            (Test::Smaller(101), Some(true)),
            (Test::Internal(When::On(date)), Some(true)),
            (Test::Internal(When::Before(date)), Some(false)),
            (Test::NotAfter(jiff::Timestamp::UNIX_EPOCH), Some(true)),
            (Test::NotBefore(jiff::Timestamp::UNIX_EPOCH), Some(true)),
            (Test::NotBefore(jiff::Timestamp::MAX), Some(false)),
            (Test::ModSeq(3), Some(true)),
        ] {
            assert_eq!(judge(&test, Content::Unread), want);
        }
    }

    #[test]
    fn the_content_decides_the_rest() {
        let structure = Structure::parse(RAW);
        let whole = Content::Whole(RAW, &structure);
        let header = |name: &str, text: &str| Test::Header {
            name: name.into(),
            is_listed: is_listed(name.as_bytes()),
            needle: Needle::new(text),
        };
        let text = |text: &str, header_too| Test::Text(Text::new(text, header_too));
        for (test, want) in [
            (header("subject", "GRÜSSE"), true),
            (header("subject", ""), true),
            (header("from", ""), false),
            (text("hello body", false), true),
            (text("grüße", false), false),
            (text("grüße", true), true),
            (Test::Sent(When::On(jiff::civil::date(1994, 2, 7))), true),
        ] {
            assert_eq!(judge(&test, whole), Some(want));
        }
        assert_eq!(judge(&text("hello", true), Content::Header(RAW)), None);
        assert_eq!(judge(&text("grüße", true), Content::Listed(RAW)), Some(true));
        assert_eq!(judge(&header("subject", "grüße"), Content::Listed(RAW)), Some(true));
        assert_eq!(judge(&header("received", ""), Content::Listed(RAW)), None);
        assert_eq!(judge(&header("received", ""), Content::Header(RAW)), Some(false));
    }
}
