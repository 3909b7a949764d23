//! Which messages are gone, by their UIDs: VANISHED (RFC 7162 §3.2).
//!
//! What went is remembered as runs of UIDs for a bounded time. To a client that was away for longer, every UID that is not there is said
//! to have vanished (§3.2.5.1), but below what its sequence numbers show to be unchanged (§3.2.5.2).

use std::ops::RangeInclusive;

use crate::mail::mailbox::{Iter, Messages};
use crate::model::ids::{ModSeq, Uid};
use crate::model::mailbox::MessageMeta;
use crate::server::stream::{Gone, Stream};
use crate::wire::imap::command::Resync;
use crate::wire::imap::encode::{range, uid_set};
use crate::wire::imap::fetch::Fetch;
use crate::wire::imap::sequence::SequenceSet;

use super::outcome::Fault;
use super::selected::Selected;
use super::updates;

/// The most ranges or UIDs of one response.
const RANGES: usize = 1_000;

/// The first and the last UID of a run.
type Run = (u32, u32);

/// Tells of messages that went just now (RFC 7162 §3.2.10.2), instead of EXPUNGE.
pub(super) async fn tell(gone: &[Uid], stream: &mut Stream) -> Result<(), Gone> {
    let mut out = Vec::new();
    for uids in gone.chunks(RANGES) {
        out.extend_from_slice(b"* VANISHED ");
        uid_set(&mut out, uids.iter().copied());
        out.extend_from_slice(b"\r\n");
        updates::pass_on(&mut out, stream).await?;
    }
    stream.write(&out);
    Ok(())
}

/// SELECT with QRESYNC: what went and what changed while the client was away (RFC 7162 §3.2.5).
pub(super) async fn resync(selected: &Selected, resync: &Resync, stream: &mut Stream) -> Result<(), Fault> {
    if resync.uidvalidity != selected.mailbox.info().uidvalidity {
        return Ok(());
    }
    let known = resync.known.as_ref().map(ranges);
    let known = known.unwrap_or_else(|| vec![(1, u32::MAX)]);
    let since = ModSeq(resync.since);
    let gone = match selected.mailbox.expunged_since(since).await? {
        Some(gone) => runs(gone.iter().map(|(first, last)| (first.0, last.0))),
        None => everything(&selected.view, selected.mailbox.uid_next(), resync.matches.as_ref()),
    };
    tell_earlier(&selected.view, &common(&gone, &known), stream).await?;
    let keywords = selected.mailbox.keywords();
    let mut known = known.into_iter().peekable();
    let mut out = Vec::new();
    for (index, message) in selected.view.iter().enumerate() {
        while known.next_if(|(_, last)| *last < message.uid.0).is_some() {}
        let is_known = known.peek().is_some_and(|(first, _)| *first <= message.uid.0);
        if is_known && message.modseq > since {
            updates::write_flags(&mut out, (index, message), selected, &keywords);
            updates::pass_on(&mut out, stream).await?;
        }
    }
    stream.write(&out);
    Ok(())
}

/// UID FETCH with VANISHED: which of the set went since then (RFC 7162 §3.2.6).
pub(super) async fn since(selected: &Selected, fetch: &Fetch, stream: &mut Stream) -> Result<(), Fault> {
    if !selected.qresync {
        return Err(Fault::bad("ENABLE QRESYNC comes first"));
    }
    let since = ModSeq(fetch.changed_since.unwrap_or(0));
    let gone = match selected.mailbox.expunged_since(since).await? {
        Some(gone) => runs(gone.iter().map(|(first, last)| (first.0, last.0))),
        None => everything(&selected.view, selected.mailbox.uid_next(), None),
    };
    let largest = selected.view.last().map_or(0, |message| message.uid.0);
    let asked: Vec<Run> = fetch.set.resolve(largest).into_iter().map(RangeInclusive::into_inner).collect();
    Ok(tell_earlier(&selected.view, &common(&gone, &asked), stream).await?)
}

fn ranges(set: &SequenceSet) -> Vec<Run> {
    set.resolve(u32::MAX).into_iter().map(RangeInclusive::into_inner).collect()
}

/// Runs in ascending order as runs that do not touch.
fn runs(ascending: impl Iterator<Item = Run>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (first, last) in ascending {
        match runs.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => runs.push((first, last)),
        }
    }
    runs
}

/// All UIDs that were ever given, above the last that the client still has at the right number: where a number has the UID that it had, nothing
/// before it went.
fn everything(view: &Messages, uid_next: Uid, matches: Option<&(SequenceSet, SequenceSet)>) -> Vec<Run> {
    let last = uid_next.0.saturating_sub(1);
    let same = matches.and_then(|(sequences, uids)| {
        let pairs = ranges(sequences)
            .into_iter()
            .flat_map(numbers)
            .zip(ranges(uids).into_iter().flat_map(numbers));
        let stands = |(sequence, uid): &(u32, u32)| {
            let message = (*sequence as usize).checked_sub(1).and_then(|index| view.get(index));
            message.is_some_and(|message| message.uid.0 == *uid)
        };
        pairs.take_while(stands).last()
    });
    let first = same.map_or(1, |(_, uid)| uid.saturating_add(1));
    if first <= last { vec![(first, last)] } else { Vec::new() }
}

fn numbers((first, last): Run) -> RangeInclusive<u32> {
    first..=last
}

/// What is in both of two lists of ascending runs.
fn common(a: &[Run], b: &[Run]) -> Vec<Run> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut both = Vec::new();
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        let run = (left.0.max(right.0), left.1.min(right.1));
        if run.0 <= run.1 {
            both.push(run);
        }
        if left.1 <= right.1 {
            a.next();
        } else {
            b.next();
        }
    }
    both
}

/// The runs without what the client sees: what went just now is told like every change.
async fn tell_earlier(view: &Messages, gone: &[Run], stream: &mut Stream) -> Result<(), Gone> {
    let mut out = Vec::new();
    let mut count = 0;
    for &run in gone {
        for gap in Gaps::new(view, run) {
            out.extend_from_slice(if count % RANGES == 0 { b"* VANISHED (EARLIER) " } else { b"," });
            range(&mut out, gap);
            count += 1;
            if count % RANGES == 0 {
                out.extend_from_slice(b"\r\n");
                updates::pass_on(&mut out, stream).await?;
            }
        }
    }
    if count % RANGES != 0 {
        out.extend_from_slice(b"\r\n");
    }
    stream.write(&out);
    Ok(())
}

/// What of a run is not in the view.
struct Gaps<'a> {
    there: Iter<'a, MessageMeta>,
    next: u64,
    last: u64,
}

impl<'a> Gaps<'a> {
    fn new(view: &'a Messages, (first, last): Run) -> Self {
        let at = view.partition_point(|message| message.uid.0 < first);
        Self {
            there: view.iter_from(at),
            next: first.into(),
            last: last.into(),
        }
    }
}

impl Iterator for Gaps<'_> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        while self.next <= self.last {
            let after = self.last.saturating_add(1);
            let there = self.there.next().map_or(after, |message| u64::from(message.uid.0).min(after));
            let gap = (self.next, there.saturating_sub(1));
            self.next = there.saturating_add(1);
            if gap.0 <= gap.1 {
                return Some((u32::try_from(gap.0).ok()?, u32::try_from(gap.1).ok()?));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mailbox::Flags;
    use crate::wire::imap::command::Command;
    use crate::wire::imap::parse;

    #[test]
    fn runs_are_joined_and_compared() {
        assert_eq!(
            runs([(1, 2), (3, 3), (5, 9), (6, 7), (11, 11)].into_iter()),
            [(1, 3), (5, 9), (11, 11)]
        );
        assert_eq!(common(&[(1, 3), (5, 9)], &[(2, 6), (9, 20)]), [(2, 3), (5, 6), (9, 9)]);
        assert_eq!(common(&[(1, 3)], &[]), []);
    }

    fn view(uids: &[u32]) -> Messages {
        let message = |&uid| MessageMeta {
            uid: Uid(uid),
            flags: Flags::NONE,
            modseq: ModSeq(1),
            size: 0,
            internal_date: jiff::Timestamp::UNIX_EPOCH,
        };
        uids.iter().map(message).collect()
    }

    #[test]
    fn what_is_there_has_not_vanished() {
        let view = view(&[3, 4, 8, u32::MAX]);
        for (run, want) in [
            ((1, 10), vec![(1, 2), (5, 7), (9, 10)]),
            ((3, 4), vec![]),
            ((4, 5), vec![(5, 5)]),
            ((9, u32::MAX), vec![(9, u32::MAX - 1)]),
        ] {
            assert_eq!(Gaps::new(&view, run).collect::<Vec<_>>(), want);
        }
    }

    #[test]
    fn numbers_that_still_hold_show_what_is_unchanged() {
        let view = view(&[1, 2, 5, 9]);
        for (matches, want) in [
            ("", vec![(1, 19)]),
            ("(1:2 1:2)", vec![(3, 19)]),
            ("(1,3,5 1,5,10)", vec![(6, 19)]),
            ("(2,3 3,5)", vec![(1, 19)]),
            ("(1:4294967295 1:4294967295)", vec![(3, 19)]),
        ] {
            let text = format!("a SELECT x (QRESYNC (1 2 {matches}))").replace(" )", ")");
            let matches = match parse::command(text.as_bytes()).unwrap().command {
                Command::Select(select) => select.resync.unwrap().matches,
                other => unreachable!("{other:?}"),
            };
            assert_eq!(everything(&view, Uid(20), matches.as_ref()), want, "{text}");
        }
        assert_eq!(everything(&self::view(&[]), Uid(1), None), []);
    }
}
