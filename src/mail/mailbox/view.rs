//! A mailbox in memory: what its sessions share, and how changes reach it.

use std::sync::Arc;

use crate::model::ids::{ModSeq, Uid};
use crate::model::mailbox::{Flags, MailboxStatus, MessageMeta};
use crate::store::db::mailboxes::Counters;
use crate::store::db::messages::{MessageRow, Run};
use crate::store::maildir::{FileName, Place};

/// A message's file, as far as the view knows. The place is a hint: another program may have moved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileEntry {
    pub name: FileName,
    pub place: Place,
}

/// The messages, ascending by UID, with their files beside them in the same order.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub messages: Arc<Vec<MessageMeta>>,
    pub files: Arc<Vec<FileEntry>>,
    pub counters: Counters,
    pub keywords: Arc<[String]>,
}

/// One change, as the index has stored it.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Added(Vec<(MessageMeta, FileEntry)>),
    Flags(Vec<Run>),
    Gone(Vec<Run>),
}

impl View {
    /// A view of what the database has.
    pub fn new(rows: Vec<MessageRow>, counters: Counters, keywords: Vec<String>) -> Self {
        let (messages, files) = rows.into_iter().filter_map(entry).unzip::<_, _, Vec<_>, Vec<_>>();
        Self {
            messages: Arc::new(messages),
            files: Arc::new(files),
            counters,
            keywords: keywords.into(),
        }
    }

    /// Where the message stands.
    pub fn position(&self, uid: Uid) -> Option<usize> {
        self.messages.binary_search_by_key(&uid, |message| message.uid).ok()
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
            Change::Flags(runs) => runs.into_iter().for_each(|run| self.set_flags(modseq, run)),
            Change::Gone(runs) => self.remove(|uid| runs.iter().any(|run| run.first <= uid && uid <= run.last)),
        }
        self.counters.modseq = modseq;
        true
    }

    /// Takes in what the database tells of all changes since the view's modseq.
    pub fn catch_up(&mut self, counters: Counters, changed: Vec<MessageRow>, gone: &[Uid]) {
        if !gone.is_empty() {
            self.remove(|uid| gone.binary_search(&uid).is_ok());
        }
        let mut added = Vec::new();
        for row in changed {
            match self.position(row.meta.uid) {
                Some(at) => {
                    if let (Some(message), Some(file)) = (
                        Arc::make_mut(&mut self.messages).get_mut(at),
                        Arc::make_mut(&mut self.files).get_mut(at),
                    ) {
                        file.place = file.place.with_flags(row.meta.flags);
                        *message = row.meta;
                    }
                }
                None => added.extend(entry(row)),
            }
        }
        self.add(added);
        self.counters = counters;
    }

    /// Corrects where a file lies.
    pub fn set_place(&mut self, uid: Uid, place: Place) {
        if let Some(file) = self.position(uid).and_then(|at| Arc::make_mut(&mut self.files).get_mut(at)) {
            file.place = place;
        }
    }

    /// Corrects a message's size.
    pub fn set_size(&mut self, uid: Uid, size: u64) {
        if let Some(message) = self.position(uid).and_then(|at| Arc::make_mut(&mut self.messages).get_mut(at)) {
            message.size = size;
        }
    }

    /// The runs that give the messages at `positions` (ascending) these flags.
    pub fn runs(&self, changes: &[(usize, Flags)]) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut end = None;
        for &(at, flags) in changes {
            let Some(uid) = self.messages.get(at).map(|message| message.uid) else {
                continue;
            };
            match runs.last_mut() {
                Some(run) if end == at.checked_sub(1) && run.flags == flags => run.last = uid,
                _ => runs.push(Run {
                    first: uid,
                    last: uid,
                    flags,
                }),
            }
            end = Some(at);
        }
        runs
    }

    /// The counts (RFC 3501 §6.3.10).
    pub fn status(&self, uidvalidity: u32) -> MailboxStatus {
        let count = |test: fn(&MessageMeta) -> bool| self.messages.iter().filter(|it| test(it)).count() as u32;
        MailboxStatus {
            messages: self.messages.len() as u32,
            unseen: count(|it| !it.flags.contains(Flags::SEEN)),
            deleted: count(|it| it.flags.contains(Flags::DELETED)),
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
        let messages = Arc::make_mut(&mut self.messages);
        let files = Arc::make_mut(&mut self.files);
        for (message, file) in added {
            let at = match messages.last() {
                Some(last) if last.uid >= message.uid => messages.partition_point(|it| it.uid < message.uid),
                _ => messages.len(),
            };
            self.counters.uid_next = self.counters.uid_next.max(Uid(message.uid.0.saturating_add(1)));
            match (messages.get_mut(at), files.get_mut(at)) {
                (Some(known), Some(known_file)) if known.uid == message.uid => (*known, *known_file) = (message, file),
                _ => {
                    messages.insert(at, message);
                    files.insert(at, file);
                }
            }
        }
    }

    fn set_flags(&mut self, modseq: ModSeq, run: Run) {
        let from = self.messages.partition_point(|it| it.uid < run.first);
        let to = self.messages.partition_point(|it| it.uid <= run.last);
        let messages = Arc::make_mut(&mut self.messages).get_mut(from..to).unwrap_or_default();
        let files = Arc::make_mut(&mut self.files).get_mut(from..to).unwrap_or_default();
        for (message, file) in messages.iter_mut().zip(files) {
            message.flags = run.flags;
            message.modseq = modseq;
            file.place = file.place.with_flags(run.flags);
        }
    }

    fn remove(&mut self, goes: impl Fn(Uid) -> bool) {
        let stays: Vec<bool> = self.messages.iter().map(|it| !goes(it.uid)).collect();
        let mut stay = stays.iter();
        Arc::make_mut(&mut self.messages).retain(|_| stay.next().copied().unwrap_or(true));
        let mut stay = stays.iter();
        Arc::make_mut(&mut self.files).retain(|_| stay.next().copied().unwrap_or(true));
    }
}

fn entry(row: MessageRow) -> Option<(MessageMeta, FileEntry)> {
    let name = FileName::parse(&row.name)?;
    let place = Place::New.with_flags(row.meta.flags);
    Some((row.meta, FileEntry { name, place }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(uid: u32, flags: Flags) -> MessageRow {
        MessageRow {
            name: format!("{uid}.x.y"),
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
        };
        View::new(uids.iter().map(|&uid| row(uid, Flags::NONE)).collect(), counters, Vec::new())
    }

    #[test]
    fn changes_come_in_order() {
        let mut view = view(&[1, 3, 7]);
        let run = |first, last, flags| Run {
            first: Uid(first),
            last: Uid(last),
            flags,
        };
        assert!(!view.apply(ModSeq(7), Change::Gone(vec![])), "6 is missing");
        assert!(view.apply(ModSeq(6), Change::Flags(vec![run(3, 7, Flags::SEEN)])));
        assert!(view.apply(ModSeq(6), Change::Gone(vec![run(1, 9, Flags::NONE)])), "known already");
        assert_eq!(view.messages.iter().map(|it| it.modseq.0).collect::<Vec<_>>(), [1, 6, 6]);
        assert!(view.apply(ModSeq(7), Change::Gone(vec![run(3, 3, Flags::NONE)])));
        assert_eq!(view.messages.iter().map(|it| it.uid.0).collect::<Vec<_>>(), [1, 7]);
        assert_eq!(view.files[1].name.as_str(), "7.x.y");
        assert_eq!(view.files[1].place, Place::Cur);
    }

    #[test]
    fn runs_join_neighbours_only() {
        let view = view(&[1, 3, 7, 9]);
        let runs = view.runs(&[(0, Flags::SEEN), (1, Flags::SEEN), (2, Flags::NONE), (3, Flags::NONE)]);
        assert_eq!(runs.iter().map(|it| (it.first.0, it.last.0)).collect::<Vec<_>>(), [(1, 3), (7, 9)]);
        let runs = view.runs(&[(0, Flags::SEEN), (2, Flags::SEEN)]);
        assert_eq!(runs.iter().map(|it| (it.first.0, it.last.0)).collect::<Vec<_>>(), [(1, 1), (7, 7)]);
    }

    #[test]
    fn catching_up_merges() {
        let mut view = view(&[1, 3]);
        let counters = Counters {
            uid_next: Uid(110),
            recent_from: Uid(1),
            modseq: ModSeq(9),
        };
        view.catch_up(counters, vec![row(3, Flags::SEEN), row(105, Flags::NONE)], &[Uid(1)]);
        assert_eq!(view.messages.iter().map(|it| it.uid.0).collect::<Vec<_>>(), [3, 105]);
        assert_eq!(view.counters.uid_next, Uid(110));
        assert!(view.messages[0].flags.contains(Flags::SEEN));
    }
}
