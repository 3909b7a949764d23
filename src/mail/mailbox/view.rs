//! A mailbox in memory: what its sessions share, and how changes reach it.

use std::ops::Range;
use std::sync::Arc;

use super::chunks::{Chunks, Filling};
use crate::model::ids::{MailboxId, ModSeq, Uid};
use crate::model::mailbox::{FlagChange, Flags, MailboxStatus, MessageMeta};
use crate::store::db::mailboxes::Counters;
use crate::store::db::messages::{MessageRow, Run};
use crate::store::maildir::{FileName, Place};

/// A message's file, as far as the view knows. The place is a hint: another program may have moved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileEntry {
    pub name: FileName,
    pub place: Place,
}

impl FileEntry {
    /// Where the file lies that has these flags, unless another program moved it.
    pub fn expected(name: FileName, flags: Flags) -> Self {
        Self {
            name,
            place: Place::New.with_flags(flags),
        }
    }
}

/// The messages, ascending by UID, with their files beside them in the same order.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub messages: Chunks<MessageMeta>,
    pub files: Chunks<FileEntry>,
    pub counters: Counters,
    pub keywords: Arc<[String]>,
}

/// One change, as the index has stored it.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Added(Vec<(MessageMeta, FileEntry)>),
    Flags(Vec<Run>),
    Sizes(Vec<(Uid, u64)>),
    Gone(Vec<Run>),
}

impl View {
    /// A view of what the database has.
    pub fn new(rows: Vec<MessageRow>, counters: Counters, keywords: Vec<String>) -> Self {
        Self::of(rows.into_iter().map(entry), counters, keywords)
    }

    /// A view of these messages and their files, ascending by UID.
    pub fn of(entries: impl IntoIterator<Item = (MessageMeta, FileEntry)>, counters: Counters, keywords: Vec<String>) -> Self {
        let (mut messages, mut files) = (Filling::new(), Filling::new());
        for (message, file) in entries {
            messages.push(message);
            files.push(file);
        }
        Self {
            messages: messages.done(),
            files: files.done(),
            counters,
            keywords: keywords.into(),
        }
    }

    /// Where the message stands.
    pub fn position(&self, uid: Uid) -> Option<usize> {
        self.messages.find(&uid, |message| message.uid)
    }

    /// The message and its file.
    pub fn get(&self, uid: Uid) -> Option<(&MessageMeta, &FileEntry)> {
        let at = self.position(uid)?;
        Some((self.messages.get(at)?, self.files.get(at)?))
    }

    /// Takes in the change that made the mailbox's modseq `modseq`. `false`: there are changes between (by another node) that the view
    /// must catch up with first. A change that the view knows already is nothing new.
    pub fn apply(&mut self, modseq: ModSeq, change: Change) -> bool {
        if modseq <= self.counters.modseq {
            return true;
        }
        if modseq.0 != self.counters.modseq.0 + 1 {
            return false;
        }
        match change {
            Change::Added(added) => self.add(added),
            Change::Flags(runs) => runs.into_iter().for_each(|run| self.change_flags(modseq, run)),
            Change::Sizes(sizes) => sizes.into_iter().for_each(|(uid, size)| self.set_size(modseq, uid, size)),
            Change::Gone(runs) => self.remove(&runs.iter().map(|run| self.places(run.first, run.last)).collect::<Vec<_>>()),
        }
        self.counters.modseq = modseq;
        true
    }

    /// Takes in what the database tells of all changes since the view's modseq.
    pub fn catch_up(&mut self, counters: Counters, changed: Vec<MessageRow>, gone: &[(Uid, Uid)]) {
        let places = gone.iter().map(|&(first, last)| self.places(first, last));
        self.remove(&places.filter(|places| !places.is_empty()).collect::<Vec<_>>());
        let mut added = Vec::new();
        for row in changed {
            match self.position(row.meta.uid) {
                Some(at) => {
                    if let (Some(message), Some(file)) = (self.messages.get_mut(at), self.files.get_mut(at)) {
                        file.place = file.place.with_flags(row.meta.flags);
                        *message = row.meta;
                    }
                }
                None => added.push(entry(row)),
            }
        }
        self.add(added);
        self.counters = counters;
    }

    /// The messages that are not among these (ascending), as runs: for when all there is was read, since what went is forgotten.
    pub fn missing_from(&self, rows: &[MessageRow]) -> Vec<(Uid, Uid)> {
        let is_there = |uid: Uid| rows.binary_search_by_key(&uid, |row| row.meta.uid).is_ok();
        let gone = self.messages.iter().map(|message| message.uid).filter(|&uid| !is_there(uid));
        gone.map(|uid| (uid, uid)).collect()
    }

    /// Corrects where a file lies.
    pub fn set_place(&mut self, uid: Uid, place: Place) {
        if let Some(file) = self.position(uid).and_then(|at| self.files.get_mut(at)) {
            file.place = place;
        }
    }

    /// The runs that change the flags of these messages (ascending). One that is gone by now is left out: who works on files does so
    /// without the view, which meanwhile learns what other nodes have done.
    pub fn runs(&self, changes: impl IntoIterator<Item = (Uid, FlagChange)>) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut end = None;
        for (uid, change) in changes {
            let Some(at) = self.position(uid) else { continue };
            match runs.last_mut() {
                Some(run) if end == at.checked_sub(1) && run.change == change => run.last = uid,
                _ => runs.push(Run {
                    first: uid,
                    last: uid,
                    change,
                }),
            }
            end = Some(at);
        }
        runs
    }

    /// The counts (RFC 3501 §6.3.10).
    pub fn status(&self, id: MailboxId, uidvalidity: u32) -> MailboxStatus {
        let count = |test: fn(&MessageMeta) -> bool| self.messages.iter().filter(|it| test(it)).count() as u32;
        MailboxStatus {
            id,
            messages: self.messages.len() as u32,
            unseen: count(|it| !it.flags.contains(Flags::SEEN)),
            deleted: count(|it| it.flags.contains(Flags::DELETED)),
            deleted_size: self
                .messages
                .iter()
                .filter(|it| it.flags.contains(Flags::DELETED))
                .map(|it| it.size)
                .sum(),
            recent: (self.messages.len() - self.messages.partition_point(|it| it.uid < self.counters.recent_from)) as u32,
            uid_next: self.counters.uid_next,
            uidvalidity,
            highest_modseq: self.counters.modseq,
            size: self.messages.iter().map(|it| it.size).sum(),
        }
    }

    fn add(&mut self, added: Vec<(MessageMeta, FileEntry)>) {
        if added.is_empty() {
            return;
        }
        let (messages, files) = (&mut self.messages, &mut self.files);
        for (message, file) in added {
            let at = match messages.last() {
                Some(last) if last.uid >= message.uid => messages.partition_point(|it| it.uid < message.uid),
                _ => messages.len(),
            };
            self.counters.uid_next = self.counters.uid_next.max(Uid(message.uid.0.saturating_add(1)));
            if messages.get(at).is_some_and(|known| known.uid == message.uid) {
                if let (Some(known), Some(known_file)) = (messages.get_mut(at), files.get_mut(at)) {
                    (*known, *known_file) = (message, file);
                }
            } else {
                messages.insert(at, message);
                files.insert(at, file);
            }
        }
    }

    fn set_size(&mut self, modseq: ModSeq, uid: Uid, size: u64) {
        if let Some(message) = self.position(uid).and_then(|at| self.messages.get_mut(at)) {
            (message.size, message.modseq) = (size, modseq);
        }
    }

    fn change_flags(&mut self, modseq: ModSeq, run: Run) {
        let places = self.places(run.first, run.last);
        let mut flags = Vec::with_capacity(places.len());
        self.messages.change(places.clone(), |message| {
            message.flags = run.change.apply(message.flags);
            message.modseq = modseq;
            flags.push(message.flags);
        });
        let mut flags = flags.into_iter();
        self.files.change(places, |file| {
            file.place = file.place.with_flags(flags.next().unwrap_or_default());
        });
    }

    /// Where the messages from one UID to another stand.
    fn places(&self, first: Uid, last: Uid) -> Range<usize> {
        self.messages.partition_point(|it| it.uid < first)..self.messages.partition_point(|it| it.uid <= last)
    }

    fn remove(&mut self, places: &[Range<usize>]) {
        if !places.is_empty() {
            self.messages.remove(places);
            self.files.remove(places);
        }
    }
}

fn entry(row: MessageRow) -> (MessageMeta, FileEntry) {
    let file = FileEntry::expected(row.name, row.meta.flags);
    (row.meta, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(uid: u32, flags: Flags) -> MessageRow {
        MessageRow {
            name: FileName::parse(&format!("{uid}.x.y")).unwrap(),
            meta: MessageMeta {
                uid: Uid(uid),
                flags,
                modseq: ModSeq(1),
                size: 10,
                internal_date: jiff::Timestamp::UNIX_EPOCH,
            },
        }
    }

    fn view(uids: &[u32]) -> View {
        let counters = Counters {
            uid_next: Uid(100),
            recent_from: Uid(1),
            modseq: ModSeq(5),
            forgotten: ModSeq(0),
        };
        View::new(uids.iter().map(|&uid| row(uid, Flags::NONE)).collect(), counters, Vec::new())
    }

    #[test]
    fn changes_come_in_order() {
        let mut view = view(&[1, 3, 7]);
        let run = |first, last, flags| Run {
            first: Uid(first),
            last: Uid(last),
            change: FlagChange::Add(flags),
        };
        assert!(!view.apply(ModSeq(7), Change::Gone(vec![])), "6 is missing");
        assert!(view.apply(ModSeq(6), Change::Flags(vec![run(3, 7, Flags::SEEN)])));
        assert!(view.apply(ModSeq(6), Change::Gone(vec![run(1, 9, Flags::NONE)])), "known already");
        assert_eq!(view.messages.iter().map(|it| it.modseq.0).collect::<Vec<_>>(), [1, 6, 6]);
        assert!(view.apply(ModSeq(7), Change::Gone(vec![run(3, 3, Flags::NONE)])));
        assert_eq!(view.messages.iter().map(|it| it.uid.0).collect::<Vec<_>>(), [1, 7]);
        assert!(view.apply(ModSeq(8), Change::Flags(vec![run(1, 1, Flags::SEEN)])));
        assert_eq!(view.files.get(1).unwrap().name.as_str(), "7.x.y");
        assert_eq!(view.files.get(1).unwrap().place, Place::Cur);
    }

    #[test]
    fn runs_join_neighbours_only() {
        let view = view(&[1, 3, 7, 9]);
        let of = |changes: &[(u32, Flags)]| view.runs(changes.iter().map(|&(uid, flags)| (Uid(uid), FlagChange::Replace(flags))));
        let runs = of(&[(1, Flags::SEEN), (3, Flags::SEEN), (7, Flags::NONE), (9, Flags::NONE)]);
        assert_eq!(runs.iter().map(|it| (it.first.0, it.last.0)).collect::<Vec<_>>(), [(1, 3), (7, 9)]);
        let runs = of(&[(1, Flags::SEEN), (5, Flags::SEEN), (7, Flags::SEEN)]);
        assert_eq!(runs.iter().map(|it| (it.first.0, it.last.0)).collect::<Vec<_>>(), [(1, 1), (7, 7)]);
    }

    #[test]
    fn a_change_among_many_shares_the_rest_with_those_who_hold_it() {
        let mut view = view(&(1..=100_000).collect::<Vec<_>>());
        let held = [view.messages.clone(), view.messages.clone()];
        let run = Run {
            first: Uid(50_000),
            last: Uid(50_000),
            change: FlagChange::Add(Flags::SEEN),
        };
        assert!(view.apply(ModSeq(6), Change::Flags(vec![run])));
        for held in &held {
            let differences = held.differences(&view.messages);
            assert_eq!(differences.len(), 1);
            assert!(differences[0].0.contains(&49_999) && differences[0].0.len() < 1_000);
            assert_eq!(differences[0].0, differences[0].1);
            assert!(held.get(49_999).unwrap().flags.is_empty());
        }
        assert_eq!(view.files.get(49_999).unwrap().place, Place::Cur);
    }

    #[test]
    fn catching_up_merges() {
        let mut view = view(&[1, 3]);
        let counters = Counters {
            uid_next: Uid(110),
            recent_from: Uid(1),
            modseq: ModSeq(9),
            forgotten: ModSeq(0),
        };
        view.catch_up(counters, vec![row(3, Flags::SEEN), row(105, Flags::NONE)], &[(Uid(1), Uid(2))]);
        assert_eq!(view.messages.iter().map(|it| it.uid.0).collect::<Vec<_>>(), [3, 105]);
        assert_eq!(view.counters.uid_next, Uid(110));
        assert!(view.messages.get(0).unwrap().flags.contains(Flags::SEEN));
        assert_eq!(
            view.missing_from(&[row(105, Flags::NONE), row(107, Flags::NONE)]),
            [(Uid(3), Uid(3))]
        );
    }
}
