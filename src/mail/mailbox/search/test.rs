//! What is looked for, made ready for one mailbox, and what it says of a message.

use std::ops::RangeInclusive;
use std::sync::OnceLock;

use jiff::Timestamp;

use crate::mail::mailbox::{Lookup, Mailbox};
use crate::model::mailbox::{Flags, MessageMeta};
use crate::model::refusal::Refusal;
use crate::wire::imap::date::day;
use crate::wire::imap::search::When;
use crate::wire::message::header::{find, is_listed, sent_date};
use crate::wire::message::search::{Needle, header_contains, text_contains};
use crate::wire::message::structure::Structure;
use crate::wire::message::view::has_attachments;

/// What a message must be, for the messages of one mailbox: keywords are bits, texts are folded.
pub enum Test {
    /// All of these; of none: every message.
    All(Vec<Test>),
    /// One of the two.
    Either(Box<Test>, Box<Test>),
    /// Not this.
    Not(Box<Test>),
    /// No message is.
    Never,
    /// The UID is in one of these, which ascend.
    Uid(Vec<RangeInclusive<u32>>),
    /// All of these flags are set.
    Flag(Flags),
    /// It has more octets.
    Larger(u64),
    /// It has fewer octets.
    Smaller(u64),
    /// The day of the internal date.
    Internal(When),
    /// The internal date is not after this.
    NotAfter(Timestamp),
    /// The internal date is not before this.
    NotBefore(Timestamp),
    /// The modseq is at least this.
    ModSeq(u64),
    /// The day of the Date field.
    Sent(When),
    /// See [`Test::header`].
    Header {
        /// The field's name.
        name: String,
        /// Whether the field is among those that are kept.
        is_listed: bool,
        /// The text.
        needle: Needle,
    },
    /// See [`Test::text`].
    Text(Text),
    /// It has a file that people would save.
    HasAttachments,
}

/// A text that is looked for in messages.
pub struct Text {
    needle: Needle,
    header_too: bool,
    /// What the index of words says of it, once it was asked.
    lookup: OnceLock<Lookup>,
}

/// What is known of a message.
pub(super) struct Facts<'a> {
    pub(super) message: &'a MessageMeta,
    pub(super) content: Content<'a>,
    /// Whether it has attachments, if that is kept.
    pub(super) has_attachments: Option<bool>,
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
    /// The field has the text in its value, whatever the case; with an empty text, the field is there.
    pub fn header(name: &str, text: &str) -> Self {
        Self::Header {
            is_listed: is_listed(name.as_bytes()),
            name: name.to_owned(),
            needle: Needle::new(text),
        }
    }

    /// The text is in the body, or with `header_too` in the header.
    pub fn text(text: &str, header_too: bool) -> Self {
        Self::Text(Text::new(text, header_too))
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

    /// Whether it matters which messages have attachments.
    pub(super) fn reads_attachments(&self) -> bool {
        match self {
            Self::All(tests) => tests.iter().any(Self::reads_attachments),
            Self::Either(a, b) => a.reads_attachments() || b.reads_attachments(),
            Self::Not(test) => test.reads_attachments(),
            Self::HasAttachments => true,
            _ => false,
        }
    }

    /// What the index alone says of a message; none if more of it must be read to know.
    pub fn judge_by_index(&self, message: &MessageMeta) -> Option<bool> {
        self.judge(&Facts {
            message,
            content: Content::Unread,
            has_attachments: None,
        })
    }

    /// Asks the index of words for all texts that are looked for. Whether it knew of any.
    pub(super) async fn look_up(&self, mailbox: &Mailbox) -> Result<bool, Refusal> {
        let mut texts = Vec::new();
        self.texts(&mut texts);
        let asked = texts.iter().filter_map(|text| Some((*text, text.needle.clues()?)));
        let (texts, asked): (Vec<&Text>, Vec<_>) = asked.map(|(text, clues)| (text, (clues, text.header_too))).unzip();
        if asked.is_empty() {
            return Ok(false);
        }
        let Some(lookups) = mailbox.look_up(asked).await? else {
            return Ok(false);
        };
        let known = texts.into_iter().zip(lookups).map(|(text, lookup)| text.lookup.set(lookup).is_ok());
        Ok(known.fold(false, |any, known| any | known))
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
            Self::Uid(ranges) => contains(ranges, message.uid.0),
            Self::Flag(flag) => message.flags.contains(*flag),
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
            Self::HasAttachments => {
                return match facts.content {
                    Content::Whole(_, structure) => Some(has_attachments(structure)),
                    _ => facts.has_attachments,
                };
            }
        })
    }
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
            message: &message,
            content,
            has_attachments: None,
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
            (Test::Not(Box::new(Test::Flag(Flags::DRAFT))), Some(true)),
            (Test::HasAttachments, None),
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
        let (header, text) = (Test::header, Test::text);
        for (test, want) in [
            (header("subject", "GRÜSSE"), true),
            (header("subject", ""), true),
            (header("from", ""), false),
            (text("hello body", false), true),
            (text("grüße", false), false),
            (text("grüße", true), true),
            (Test::Sent(When::On(jiff::civil::date(1994, 2, 7))), true),
            (Test::HasAttachments, false),
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
