//! Looking at the folder: what other programs added, renamed or removed becomes a change of the mailbox.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::OwnedMutexGuard;

use super::adopt::{Coming, Stranger};
use super::chunks::Chunks;
use super::index::Write;
use super::view::FileEntry;
use super::{LARGE, Mailbox, Mailboxes, blocking, locked};
use crate::model::account::User;
use crate::model::ids::Uid;
use crate::model::mailbox::{FlagChange, Flags, MessageMeta};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::derived;
use crate::store::db::looks::Changed;
use crate::store::maildir::{Found, Listing, Maildir, Place};

/// What the last look saw.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// When the directories had last changed, if that was long enough before the look that no later change can hide in the same
    /// tick of the file system's clock.
    settled: Option<Changed>,
    /// When the look ended, and how long it took.
    ended: Option<(Instant, Duration)>,
}

impl Scanned {
    /// What an earlier process noted.
    pub(super) fn of(settled: Changed) -> Self {
        Self {
            settled: Some(settled),
            ended: Some((Instant::now(), Duration::ZERO)),
        }
    }

    /// Whether the next look finds nothing unless the folder changes.
    #[cfg(test)]
    pub(super) fn is_settled(&self) -> bool {
        self.settled.is_some()
    }

    /// Whether this process has not looked yet, since an earlier one did.
    #[cfg(test)]
    pub(super) fn is_noted(&self) -> bool {
        self.settled.is_some() && self.ended.is_some_and(|(_, took)| took.is_zero())
    }
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

/// Far more than the file system's clock ticks by.
const TICK: Duration = Duration::from_secs(2);

/// The difference between folder and view.
#[derive(Default)]
pub(super) struct Difference {
    /// Unknown files, oldest first.
    pub added: Vec<Stranger>,
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
#[derive(Clone)]
pub(super) struct Before {
    messages: Chunks<MessageMeta>,
    pub files: Chunks<FileEntry>,
}

/// A look at the folder: nobody else changes its files until it ends.
pub(super) struct Look {
    _work: OwnedMutexGuard<()>,
    begun: Instant,
    changed_at: Option<Changed>,
    pub before: Before,
    pub difference: Difference,
}

impl Mailbox {
    /// Looks at the folder if it changed since the last look.
    pub(super) async fn look(&self, patience: Patience) -> Result<(), Refusal> {
        self.scan(patience).await.map(|_| ())
    }

    /// The same for who is the first to open the mailbox, but without waiting for many messages to get into the index.
    pub(super) async fn look_at_once(self: &Arc<Self>) -> Result<Option<Coming>, Refusal> {
        // Somebody has just looked, and holds the folder until all that was found is in the index.
        if let Some(coming) = self.coming() {
            return Ok(Some(coming));
        }
        let Some(look) = self.begin_look(Patience::None).await? else {
            return Ok(None);
        };
        // Others that have it open may have been told of UIDs, and must not see smaller ones come after greater ones.
        // And UIDs that are known beside the messages stay what they were.
        if locked(&self.scanned).ended.is_some() || self.known_below().is_some() {
            self.finish_look(look).await?;
            return Ok(None);
        }
        self.adopt_at_once(look).await
    }

    async fn scan(&self, patience: Patience) -> Result<ReindexReport, Refusal> {
        match self.begin_look(patience).await? {
            Some(look) => self.finish_look(look).await,
            None => Ok(ReindexReport::default()),
        }
    }

    /// When the folder last changed. A disk of this machine is asked in place; storage that nodes share may be gone, and then whoever waits
    /// for it must not be one of the network's threads.
    async fn changed_at(&self, maildir: Maildir) -> Result<Option<Changed>, store::Error> {
        if !self.house.ground.database.dialect().serves_one_node() {
            return blocking(move || Ok(maildir.changed_at())).await;
        }
        let asked = self.folder_read.asked();
        let changed_at = store::in_place(asked, move || maildir.changed_at()).await?;
        self.folder_read.answered(asked);
        Ok(changed_at)
    }

    /// Compares the folder with the view, unless that can be put off.
    async fn begin_look(&self, patience: Patience) -> Result<Option<Look>, Refusal> {
        if patience == Patience::Some && self.looked_lately() {
            return Ok(None);
        }
        let maildir = self.maildir();
        let changed_at = self.changed_at(maildir.clone()).await?;
        let is_settled = changed_at.is_some() && locked(&self.scanned).settled == changed_at;
        if is_settled && patience != Patience::Reindex {
            return Ok(None);
        }
        let work = Arc::clone(&self.work).lock_owned().await;
        let begun = Instant::now();
        let before = {
            let view = self.view();
            Before {
                messages: view.messages.clone(),
                files: view.files.clone(),
            }
        };
        let (view, sizes) = (before.clone(), patience == Patience::Reindex);
        let difference = blocking(move || compare(&maildir, &view, sizes)).await?;
        Ok(Some(Look {
            _work: work,
            begun,
            changed_at,
            before,
            difference,
        }))
    }

    async fn finish_look(&self, mut look: Look) -> Result<ReindexReport, Refusal> {
        let added = std::mem::take(&mut look.difference.added);
        let (mut report, left) = self.take_in(&mut look).await?;
        let (adopted, waiting) = self.adopt(added, &look.before.files).await?;
        report.added = adopted;
        if !left && !waiting {
            self.end_recovery().await?;
        }
        self.end_look(&look, left || waiting);
        Ok(report)
    }

    /// What was seen is in the index, but for what is `left`.
    pub(super) fn end_look(&self, look: &Look, left: bool) {
        // A change within the clock's tick of the last one would leave the same time stamp: only an old one is settled.
        let long_ago = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .saturating_sub(TICK);
        let is_old = |changed: &Changed| changed.iter().all(|&at| i128::from(at) < long_ago.as_nanos() as i128);
        let settled = look.changed_at.filter(|changed| !left && is_old(changed));
        let ended = Some((Instant::now(), look.begun.elapsed()));
        *locked(&self.scanned) = Scanned { settled, ended };
        // Who opens a large mailbox the next time need not list it.
        if let Some(changed) = settled.filter(|_| self.messages().len() >= LARGE) {
            let looked = Write::Looked(self.id, self.highest_modseq(), changed);
            self.house.ledger.index.hint(looked);
            self.keep_snapshot();
        }
    }

    fn looked_lately(&self) -> bool {
        locked(&self.scanned)
            .ended
            .is_some_and(|(at, took)| at.elapsed() < Duration::from_secs(1).max(took * 20))
    }

    /// What was found becomes a change of the mailbox, but for unknown files. Also whether something was left for the next look.
    pub(super) async fn take_in(&self, look: &mut Look) -> Result<(ReindexReport, bool), Refusal> {
        let difference = std::mem::take(&mut look.difference);
        {
            let mut view = self.view_mut();
            for (uid, place) in difference.places {
                view.set_place(uid, place);
            }
        }
        let report = ReindexReport {
            removed: difference.gone.len() as u64,
            changed: (difference.flags.len() + difference.sizes.len()) as u64,
            ..ReindexReport::default()
        };
        let mut writes = Vec::new();
        {
            let view = self.view();
            let replaced = |&(uid, flags): &(Uid, Flags)| (uid, FlagChange::Replace(flags));
            let flags = view.runs(difference.flags.iter().map(replaced));
            if !flags.is_empty() {
                writes.push(Write::Flags(self.id, flags));
            }
            // A size is a change like any other: whoever has the mailbox open elsewhere, or keeps a snapshot of it, gets to know it.
            if !difference.sizes.is_empty() {
                writes.push(Write::Sizes(self.id, difference.sizes));
            }
            writes.extend(super::flags::removal(self.id, &view, &difference.gone));
        }
        if !writes.is_empty() {
            self.house.ledger.index.write(writes).await?;
        }
        Ok((report, difference.left))
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
            self.inner.listed.forget(info.id, &[(Uid(0), mailbox.uid_next())]);
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
