//! A selected mailbox as its client knows it: which message has which sequence number.

use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;

use crate::mail::mailbox::{Coming, Iter, Mailbox, Messages};
use crate::model::ids::{ModSeq, Uid};
use crate::model::mailbox::{MailboxName, MessageMeta};
use crate::model::rights::Rights;
use crate::wire::imap::response::Word;
use crate::wire::imap::sequence::SequenceSet;

use super::outcome::Fault;
use super::search::Context;
use super::session::Enabled;

/// A selected mailbox.
pub(super) struct Selected {
    /// The mailbox, shared with other sessions.
    pub(super) mailbox: Arc<Mailbox>,
    /// EXAMINE, or no right to change anything.
    pub(super) read_only: bool,
    /// What the user may do with it.
    pub(super) rights: Rights,
    /// Its name, if it is another user's: then the rights may change.
    pub(super) shared: Option<MailboxName>,
    /// Whether the client knows modseqs.
    pub(super) condstore: bool,
    /// Whether the client wants to hear of removals by UID.
    pub(super) qresync: bool,
    /// Whether the client does not want to hear of flags that others change (RFC 5465 §5.1).
    pub(super) is_mute_of_flags: bool,
    /// What else the client has asked for.
    pub(super) enabled: Enabled,
    /// What the client has been told: sequence number n is at n - 1. As long as nothing changes it is the very list that the
    /// mailbox and its other sessions hold.
    pub(super) view: Messages,
    /// Messages of it that are still on their way into the index.
    pub(super) coming: Option<Box<Coming>>,
    /// The messages that are \Recent in this session, ascending.
    pub(super) recent: Vec<Uid>,
    /// How many keywords the client has been told of.
    pub(super) keywords: usize,
    /// Changes that the client has been told of by the answer to its own command, ascending.
    pub(super) told: Vec<(Uid, ModSeq)>,
    /// What `$` stands for, ascending (RFC 5182 §2.1).
    pub(super) saved: Vec<Uid>,
    /// The searches whose changes are told.
    pub(super) contexts: Vec<Context>,
}

impl Selected {
    /// Whether the user may do this.
    pub(super) fn require(&self, rights: Rights) -> Result<(), Fault> {
        if self.rights.contains(rights) {
            return Ok(());
        }
        Err(Fault::no(Word::NoPerm, "you may not do that with this mailbox"))
    }

    /// The client asks for more.
    pub(super) fn enable(&mut self, enabled: Enabled) {
        self.enabled = enabled;
        if enabled.rev2 {
            // RFC 9051 §2.3.2: there is no \Recent.
            self.recent.clear();
        }
    }

    /// Waits until all messages that the client was told of are in the index; what did not get there is told to be gone like any other.
    pub(super) async fn settle(&mut self) {
        let Some(coming) = self.coming.take() else { return };
        coming.arrived().await;
        let now = self.mailbox.messages();
        let mut finder = Finder::new(&now, 0);
        let arrived = |known: &MessageMeta| {
            finder
                .find(known.uid)
                .filter(|now| now.flags == known.flags)
                .unwrap_or(known)
                .clone()
        };
        let view: Messages = self.view.iter().map(arrived).collect();
        let is_all = now.len() == view.len() && now.iter().eq(view.iter());
        self.view = if is_all { now } else { view };
    }

    /// The messages of a set, as ranges of `view`: ascending, none twice.
    ///
    /// A sequence number that is too large is the client's mistake (RFC 3501 §9 seq-number), a UID that is not there is none (§6.4.8).
    pub(super) fn pick(&self, set: &SequenceSet, uid: bool) -> Result<Vec<Range<usize>>, Fault> {
        let view = &self.view;
        if set.is_saved() {
            return Ok(self.saved_places());
        }
        let count = u32::try_from(view.len()).unwrap_or(u32::MAX);
        if uid {
            let largest = view.last().map_or(0, |message| message.uid.0);
            let at = |uid: u32| view.partition_point(|message| message.uid.0 < uid);
            let ranges = set.resolve(largest).into_iter().map(|range| {
                let end = range.end().checked_add(1).map_or(view.len(), at);
                at(*range.start())..end
            });
            return Ok(ranges.filter(|range| !range.is_empty()).collect());
        }
        if set.exceeds(count) {
            return Err(Fault::bad("there is no message of that number"));
        }
        let ranges = set.resolve(count).into_iter().map(|range| {
            let (first, last) = range.into_inner();
            (first.saturating_sub(1) as usize)..(last.min(count) as usize)
        });
        Ok(ranges.filter(|range| !range.is_empty()).collect())
    }

    /// What is left of what `$` stands for.
    fn saved_places(&self) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for at in self.saved.iter().filter_map(|uid| self.view.find(uid, |message| message.uid)) {
            match ranges.last_mut() {
                Some(range) if range.end == at => range.end = at.saturating_add(1),
                _ => ranges.push(at..at.saturating_add(1)),
            }
        }
        ranges
    }

    /// The UIDs of ranges of `view`.
    pub(super) fn uids(&self, ranges: &[Range<usize>]) -> Vec<Uid> {
        let picked = ranges.iter().flat_map(|range| self.view.range(range.clone()));
        picked.map(|message| message.uid).collect()
    }

    /// The sequence number of a message.
    pub(super) fn sequence(&self, uid: Uid) -> Option<u32> {
        let index = self.view.find(&uid, |message| message.uid)?;
        u32::try_from(index).ok()?.checked_add(1)
    }

    /// Whether the message is \Recent in this session.
    pub(super) fn is_recent(&self, uid: Uid) -> bool {
        !self.recent.is_empty() && self.recent.binary_search(&uid).is_ok()
    }
}

/// Looks up messages in a list while going through it once: the UIDs asked for must ascend.
pub(super) struct Finder<'a> {
    list: &'a Messages,
    rest: Peekable<Iter<'a, MessageMeta>>,
}

impl<'a> Finder<'a> {
    /// Begins at a place of the list.
    pub(super) fn new(list: &'a Messages, at: usize) -> Self {
        Self {
            list,
            rest: list.iter_from(at).peekable(),
        }
    }

    /// The message with this UID.
    pub(super) fn find(&mut self, uid: Uid) -> Option<&'a MessageMeta> {
        // Nearly always the next one; if not, the gap is searched, not walked.
        if self.rest.peek().is_some_and(|message| message.uid < uid) {
            let at = self.list.partition_point(|message| message.uid < uid);
            self.rest = self.list.iter_from(at).peekable();
        }
        self.rest.next_if(|message| message.uid == uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mailbox::Flags;

    #[test]
    fn the_finder_goes_forward() {
        let list: Messages = [2, 3, 5, 8, 13]
            .into_iter()
            .map(|uid| MessageMeta {
                uid: Uid(uid),
                flags: Flags::NONE,
                modseq: ModSeq(1),
                size: 0,
                internal_date: jiff::Timestamp::UNIX_EPOCH,
            })
            .collect();
        let mut finder = Finder::new(&list, 0);
        for (uid, found) in [(1, false), (2, true), (4, false), (5, true), (13, true), (14, false)] {
            assert_eq!(finder.find(Uid(uid)).is_some(), found, "{uid}");
        }
    }
}
