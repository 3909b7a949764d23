//! Looking at the folder: what other programs added, renamed or removed becomes a change of the mailbox.

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

use futures_util::stream::{StreamExt, TryStreamExt, iter};
use jiff::Timestamp;

use super::chunks::Chunks;
use super::index::{Addition, Failure, Write};
use super::uid_list::with_uids;
use super::view::FileEntry;
use super::{Mailbox, Mailboxes, blocking, locked};
use crate::model::account::User;
use crate::model::ids::Uid;
use crate::model::mailbox::{Flags, MessageMeta};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::derived;
use crate::store::db::messages::{self, NewMessage};
use crate::store::maildir::{FileName, Found, Listing, Maildir, Place};

/// What the last look saw.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// When the directories had last changed, if that was long enough before the look that no later change can hide in the same
    /// tick of the file system's clock.
    pub settled: Option<[Option<SystemTime>; 2]>,
    /// When the look ended, and how long it took.
    ended: Option<(Instant, Duration)>,
}

/// Whether a look may be put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Look now if anything changed.
    None,
    /// Not again within a second, or twenty times what the last look took: our own deliveries change the directories too.
    Some,
    /// Look whether or not anything seems changed, and check the sizes.
    Reindex,
}

/// What `posthouse reindex` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReindexReport {
    /// Mailboxes looked at.
    pub mailboxes: u64,
    /// Messages in them afterwards.
    pub messages: u64,
    /// Files that were not in the index.
    pub added: u64,
    /// Messages of the index whose files are gone.
    pub removed: u64,
    /// Messages whose flags or size in the index were other than the file's.
    pub changed: u64,
}

/// A sibling process's message may still be on its way into the index for so long.
const SIBLING_GRACE: Duration = Duration::from_secs(10);
/// A message that is brought from elsewhere has the time until an import that was broken off is gone on with: else it would lose its UID.
const IMPORT_GRACE: Duration = Duration::from_hours(1);

/// So many files are read one after the other, and so many times as many at the same time.
const TOGETHER: usize = 64;
const AT_ONCE: usize = 4;
/// Additions of one transaction.
const BATCH: usize = 1000;

/// The difference between folder and view.
#[derive(Default)]
struct Difference {
    /// Unknown files, oldest first.
    added: Vec<(FileName, Found)>,
    /// Messages with other flags than the view has.
    flags: Vec<(Uid, Flags)>,
    /// Messages that lie elsewhere than the view thinks.
    places: Vec<(Uid, Place)>,
    /// Messages without a file.
    gone: Vec<Uid>,
    /// Messages with another size (only looked for by a reindex).
    sizes: Vec<(Uid, u64)>,
    /// Something was left for the next look, whether or not the folder changes until then.
    left: bool,
}

/// The view before the folder is listed.
struct Before {
    messages: Chunks<MessageMeta>,
    files: Chunks<FileEntry>,
}

impl Mailbox {
    /// Looks at the folder if it changed since the last look.
    pub(super) async fn look(&self, patience: Patience) -> Result<(), Refusal> {
        self.scan(patience).await.map(|_| ())
    }

    async fn scan(&self, patience: Patience) -> Result<ReindexReport, Refusal> {
        if patience == Patience::Some && self.looked_lately() {
            return Ok(ReindexReport::default());
        }
        let maildir = self.maildir();
        let stat = maildir.clone();
        let changed_at = blocking(move || Ok(stat.changed_at())).await?;
        if patience != Patience::Reindex && locked(&self.scanned).settled == Some(changed_at) {
            return Ok(ReindexReport::default());
        }
        let _work = self.work.lock().await;
        let begun = Instant::now();
        let before = {
            let view = self.view();
            Before {
                messages: view.messages.clone(),
                files: view.files.clone(),
            }
        };
        let sizes = patience == Patience::Reindex;
        let difference = blocking(move || compare(&maildir, &before, sizes)).await?;
        let (report, left) = self.take_in(difference).await?;
        // A change within the clock's tick of the last one would leave the same time stamp: only an old one is settled.
        let settled = changed_at
            .iter()
            .flatten()
            .all(|at| SystemTime::now().duration_since(*at).is_ok_and(|age| age > Duration::from_secs(2)));
        *locked(&self.scanned) = Scanned {
            settled: (settled && !left).then_some(changed_at),
            ended: Some((Instant::now(), begun.elapsed())),
        };
        Ok(report)
    }

    fn looked_lately(&self) -> bool {
        locked(&self.scanned)
            .ended
            .is_some_and(|(at, took)| at.elapsed() < Duration::from_secs(1).max(took * 20))
    }

    /// What was found becomes a change of the mailbox. Also whether something was left for the next look.
    async fn take_in(&self, difference: Difference) -> Result<(ReindexReport, bool), Refusal> {
        {
            let mut view = self.view_mut();
            for (uid, place) in difference.places {
                view.set_place(uid, place);
            }
            for &(uid, size) in &difference.sizes {
                view.set_size(uid, size);
            }
        }
        let mut report = ReindexReport {
            removed: difference.gone.len() as u64,
            changed: (difference.flags.len() + difference.sizes.len()) as u64,
            ..ReindexReport::default()
        };
        let mut writes = Vec::new();
        {
            let view = self.view();
            let flags = view.runs(&difference.flags);
            if !flags.is_empty() {
                writes.push(Write::Flags(self.id, flags));
            }
            writes.extend(super::flags::removal(self.id, &view, &difference.gone));
        }
        if !writes.is_empty() {
            self.house.ledger.index.write(writes).await?;
        }
        if !difference.sizes.is_empty() {
            let mut tx = self.house.ledger.database.write().await?;
            for (uid, size) in difference.sizes {
                messages::set_size(&mut tx, self.id, uid, size).await?;
            }
            tx.commit().await?;
        }
        let (added, left) = self.adopt(difference.added).await?;
        report.added = added;
        let left = left || difference.left;
        if !left {
            self.end_recovery().await?;
        }
        Ok((report, left))
    }

    /// Enters files of other programs into the index, the oldest first: how many, and whether some were left for the next look.
    async fn adopt(&self, found: Vec<(FileName, Found)>) -> Result<(u64, bool), Refusal> {
        let (mut adopted, mut left) = (0, false);
        // With their UIDs, where these are known; they come first, as they are the older ones.
        let known = self.known_beside(&found).await?;
        let (had_uids, found): (Vec<_>, Vec<_>) = found.into_iter().partition(|(name, _)| known.contains_key(name));
        for part in had_uids.chunks(BATCH) {
            let arrivals = with_uids(self.gathered(part).await?, &known);
            adopted += arrivals.len() as u64;
            if !arrivals.is_empty() {
                self.house.ledger.index.write(vec![Write::Known(self.id, arrivals)]).await?;
            }
        }
        for part in found.chunks(BATCH) {
            let (strangers, waiting) = self.strangers(part);
            left |= waiting;
            let additions = self.gathered(&strangers).await?;
            let count = additions.len() as u64;
            if count == 0 {
                continue;
            }
            match self.house.ledger.index.write(vec![Write::Add(self.id, additions)]).await {
                Ok(_) => adopted += count,
                // Another process was quicker with one of them: what it entered is read, and the next look does the rest.
                Err(Failure::Store(store::Error::Conflict)) => {
                    left = true;
                    self.catch_up().await?;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok((adopted, left))
    }

    /// What these files are to the index, some read at the same time.
    async fn gathered(&self, found: &[(FileName, Found)]) -> Result<Vec<Addition>, store::Error> {
        let parts: Vec<_> = found.chunks(TOGETHER).map(|part| self.additions(part.to_vec())).collect();
        iter(parts).buffered(AT_ONCE).try_concat().await
    }

    async fn additions(&self, found: Vec<(FileName, Found)>) -> Result<Vec<Addition>, store::Error> {
        let maildir = self.maildir();
        let of_file = move |(name, found)| addition(&maildir, name, found);
        blocking(move || Ok(found.into_iter().filter_map(of_file).collect())).await
    }

    /// Those that are neither on their way into the index by this process nor in it by now; and whether there are others that this
    /// process or a sibling may be entering at this moment: what does not get there is for the next look, whether or not the folder changes.
    fn strangers(&self, found: &[(FileName, Found)]) -> (Vec<(FileName, Found)>, bool) {
        // In this order: what leaves the first set is in the second by then.
        let in_flight: HashSet<FileName> = locked(&self.house.in_flight).clone();
        let files = self.view().files.clone();
        let known: HashSet<&FileName> = files.iter().map(|file| &file.name).collect();
        let unknown = found.iter().filter(|(name, _)| !known.contains(name));
        let (entering, unknown): (Vec<_>, Vec<_>) = unknown.cloned().partition(|(name, _)| in_flight.contains(name));
        let maildir = self.maildir();
        let of_sibling = |(name, at): &(FileName, Found)| {
            let grace = match name.is_imported() {
                true => IMPORT_GRACE,
                false if self.house.names.is_of_a_sibling(name) => SIBLING_GRACE,
                false => return false,
            };
            maildir.facts(name, *at).is_none_or(|facts| facts.age < grace)
        };
        let (waiting, strangers): (Vec<_>, Vec<_>) = unknown.into_iter().partition(of_sibling);
        (strangers, !waiting.is_empty() || !entering.is_empty())
    }
}

impl Mailboxes {
    /// Looks at every folder of the user whether or not it seems changed: sizes, flags and files are compared, counts are made anew,
    /// what is kept of messages beside is dropped. UIDs and UIDVALIDITY stay.
    pub async fn reindex(&self, user: &User) -> Result<ReindexReport, Refusal> {
        let mut sum = ReindexReport::default();
        for info in self.list(user).await? {
            let mailbox = self.open_id(user, info.id).await?;
            let report = mailbox.scan(Patience::Reindex).await?;
            let mut tx = self.inner.ledger.database.write().await?;
            derived::forget_all(&mut tx, info.id).await?;
            store::db::mailboxes::recount(&mut tx, info.id).await?;
            tx.commit().await?;
            self.inner.listed.forget(info.id, mailbox.uid_next());
            self.inner.full_text.forget(info.id).await;
            sum.mailboxes += 1;
            sum.messages += mailbox.messages().len() as u64;
            sum.added += report.added;
            sum.removed += report.removed;
            sum.changed += report.changed;
        }
        Ok(sum)
    }
}

/// What a file is to the index; none if it is gone again.
fn addition(maildir: &Maildir, name: FileName, found: Found) -> Option<Addition> {
    if let Err(error) = maildir.to_crlf(&name, found) {
        tracing::warn!(%error, "a file of another program cannot be taken in");
        return None;
    }
    let facts = maildir.facts(&name, found)?;
    let internal_date = Timestamp::try_from(facts.modified).unwrap_or(Timestamp::UNIX_EPOCH);
    let message = NewMessage {
        name: name.as_str().to_owned(),
        flags: found.flags,
        size: facts.size,
        internal_date,
    };
    Some(Addition {
        message,
        place: found.place,
    })
}

/// Compares the folder with the view as it was before.
fn compare(maildir: &Maildir, before: &Before, sizes: bool) -> Result<Difference, store::Error> {
    let mut listing = list(maildir)?;
    let mut difference = Difference::default();
    let mut missing = Vec::new();
    for (message, file) in before.messages.iter().zip(before.files.iter()) {
        match listing.files.remove(&file.name) {
            Some(found) => difference.note(maildir, message, file, found, sizes),
            None => missing.push((message, file)),
        }
    }
    if !missing.is_empty() {
        // A file that was renamed while the directory was read may have been passed over: look once more.
        let again = list(maildir)?;
        if !maildir.exists() {
            // The folder is being renamed, or its file system is not there: that says nothing of its messages.
            tracing::warn!(path = %maildir.path().display(), "a folder is missing");
            return Ok(Difference {
                left: true,
                ..Difference::default()
            });
        }
        for (message, file) in missing {
            match again.files.get(&file.name) {
                Some(found) => difference.note(maildir, message, file, *found, sizes),
                None => difference.gone.push(message.uid),
            }
        }
    }
    difference.added = listing.files.into_iter().collect();
    difference
        .added
        .sort_by_cached_key(|(name, _)| (name.seconds().unwrap_or(u64::MAX), name.clone()));
    Ok(difference)
}

/// The files of the folder, each with the name that we would give it.
fn list(maildir: &Maildir) -> Result<Listing, store::Error> {
    let mut listing = maildir.list()?;
    maildir.respell(&mut listing);
    Ok(listing)
}

impl Difference {
    fn note(&mut self, maildir: &Maildir, message: &MessageMeta, file: &FileEntry, found: Found, sizes: bool) {
        if found.flags != message.flags {
            self.flags.push((message.uid, found.flags));
        }
        if found.place != file.place {
            self.places.push((message.uid, found.place));
        }
        if sizes
            && let Some(facts) = maildir.facts(&file.name, found)
            && facts.size != message.size
        {
            self.sizes.push((message.uid, facts.size));
        }
    }
}
