//! A search key as a test for the messages of the mailbox: its sets are resolved, its keywords are bits.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

use crate::mail::mailbox::Test;
use crate::model::refusal::Refusal;
use crate::server::imap::selected::Selected;
use crate::wire::imap::search::Key;
use crate::wire::imap::sequence::SequenceSet;

use super::stored;

/// A test for the messages of the mailbox; what is kept of them is looked up.
pub(super) async fn prepare(key: &mut Key, selected: &Selected) -> Result<Test, Refusal> {
    stored::resolve(key, selected).await?;
    Ok(test(key, selected))
}

fn test(key: &Key, selected: &Selected) -> Test {
    match key {
        Key::And(keys) => Test::All(keys.iter().map(|key| test(key, selected)).collect()),
        Key::Or(a, b) => Test::Either(Box::new(test(a, selected)), Box::new(test(b, selected))),
        Key::Not(key) => Test::Not(Box::new(test(key, selected))),
        // RFC 5182 §2.1: wherever it stands, `$` is these messages.
        Key::Sequence(set) | Key::Uid(set) if set.is_saved() => these(selected.saved.iter().map(|uid| uid.0)),
        Key::Sequence(set) => Test::Uid(by_sequence(set, selected)),
        Key::Uid(set) => Test::Uid(set.resolve(selected.view.last().map_or(0, |message| message.uid.0))),
        Key::Flag(flag) => Test::Flag(*flag),
        // A keyword that the mailbox does not have is on no message.
        Key::Keyword(name) => selected.mailbox.known_keyword(name).map_or(Test::Never, Test::Flag),
        // What these find was put in their place.
        Key::EmailId(_) | Key::ThreadId(_) | Key::Saved(_) => Test::Never,
        Key::Recent => these(selected.recent.iter().map(|uid| uid.0)),
        Key::Larger(size) => Test::Larger(*size),
        Key::Smaller(size) => Test::Smaller(*size),
        Key::Internal(when) => Test::Internal(*when),
        Key::Older(seconds) => Test::NotAfter(ago(selected, *seconds)),
        Key::Younger(seconds) => Test::NotBefore(ago(selected, *seconds)),
        Key::ModSeq(modseq) => Test::ModSeq(*modseq),
        Key::Sent(when) => Test::Sent(*when),
        Key::Header { name, text } => Test::header(name, text),
        Key::Body(text) => Test::text(text, false),
        Key::Text(text) => Test::text(text, true),
    }
}

fn these(uids: impl Iterator<Item = u32>) -> Test {
    Test::Uid(SequenceSet::of(uids).resolve(u32::MAX))
}

/// The UIDs of the messages at these sequence numbers; those that are past the last are no messages.
fn by_sequence(set: &SequenceSet, selected: &Selected) -> Vec<RangeInclusive<u32>> {
    let count = u32::try_from(selected.view.len()).unwrap_or(u32::MAX);
    let uid = |sequence: u32| {
        let message = selected.view.get(sequence.checked_sub(1)? as usize);
        message.map(|message| message.uid.0)
    };
    let uids = |range: RangeInclusive<u32>| Some(uid((*range.start()).max(1))?..=uid((*range.end()).min(count))?);
    set.resolve(count).into_iter().filter_map(uids).collect()
}

/// So many seconds before now (RFC 5032 §3).
fn ago(selected: &Selected, seconds: u32) -> Timestamp {
    let now = selected.mailbox.now();
    now.checked_sub(SignedDuration::from_secs(i64::from(seconds)))
        .unwrap_or(Timestamp::MIN)
}
