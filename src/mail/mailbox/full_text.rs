//! The index of words, in the background: it is made and kept up to date of mailboxes that somebody uses, a mailbox at a time, and half
//! of the time at most, so that it is in nobody's way. SEARCH asks it which messages may have a text; those that are not in it yet are
//! read as ever.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::read::{Entry, open};
use super::{Inner, Mailbox, Mailboxes, blocking, locked};
use crate::model::clue::Clues;
use crate::model::ids::{MailboxId, Uid};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::mailboxes;
use crate::store::maildir::Maildir;
use crate::store::words::{self, Document, Matches, WordIndex, Writer};
use crate::wire::message::structure::Structure;
use crate::wire::message::words::Words;

/// How long changes are gathered before the index is brought up to date.
const GATHER: Duration = Duration::from_secs(2);
/// So few messages are not worth a change of the index: they are read when somebody searches.
const FEW: usize = 64;
/// So many messages are read one after the other before others get their turn.
const TOGETHER: usize = 32;
/// Mailboxes that are to be looked at.
const WAITING: usize = 4_096;

/// The indexes, and the way to who keeps them.
pub(super) struct FullText {
    root: PathBuf,
    /// Absent where nobody does.
    changed: OnceLock<mpsc::Sender<MailboxId>>,
}

impl FullText {
    /// The indexes in this directory, which nobody keeps yet.
    pub(super) fn new(root: PathBuf) -> Self {
        let changed = OnceLock::new();
        Self { root, changed }
    }

    /// Something came into this mailbox, or went. Never waits; what finds no room is said again with the next change.
    pub(super) fn hint(&self, mailbox: MailboxId) {
        if let Some(changed) = self.changed.get()
            && changed.try_send(mailbox).is_err()
        {
            tracing::debug!(%mailbox, "too many mailboxes wait for the index of words");
        }
    }

    /// Where the index is, if it is kept: else it may say what is no more.
    fn kept(&self, mailbox: MailboxId) -> Option<PathBuf> {
        self.changed.get().map(|_| self.path(mailbox))
    }

    fn path(&self, mailbox: MailboxId) -> PathBuf {
        self.root.join(mailbox.to_string())
    }

    /// Drops the index of a mailbox that is no more, or whose messages may not be what they were.
    pub(super) async fn forget(&self, mailbox: MailboxId) {
        let path = self.path(mailbox);
        if let Err(error) = blocking(move || words::remove(&path)).await {
            tracing::warn!(%error, "an index of words is left behind");
        }
    }
}

/// What the index says of a search in a mailbox.
#[derive(Debug)]
pub struct Lookup {
    matches: Matches,
    decides: bool,
}

impl Lookup {
    /// Whether the message has the text; none if it must be read to know.
    pub fn verdict(&self, uid: Uid) -> Option<bool> {
        let among = |list: &[Uid]| list.binary_search(&uid).is_ok();
        if !among(&self.matches.known) || among(&self.matches.open) {
            return None;
        }
        match among(&self.matches.found) {
            true => self.decides.then_some(true),
            false => Some(false),
        }
    }
}

impl Mailboxes {
    /// Keeps indexes of words from now on; for who serves users, not for commands that end at once.
    pub fn keep_index(&self) {
        let (changed, inbox) = mpsc::channel(WAITING);
        if self.inner.full_text.changed.set(changed).is_ok() {
            tokio::spawn(keep(Arc::downgrade(&self.inner), inbox));
        }
    }
}

impl Mailbox {
    /// What the index says of messages that may have a text; none if there is no index.
    pub async fn look_up(&self, clues: Clues, headers_too: bool) -> Result<Option<Lookup>, Refusal> {
        let Some(path) = self.house.full_text.kept(self.id) else {
            return Ok(None);
        };
        let found = blocking(move || {
            let Some(index) = WordIndex::open(&path) else { return Ok(None) };
            let matches = index.find(&clues, headers_too)?;
            let decides = clues.decide;
            Ok(Some(Lookup { matches, decides }))
        });
        // An index that cannot be read is none: what it would say is in the messages.
        found.await.or_else(|error| {
            tracing::warn!(%error, "an index of words cannot be read");
            Ok(None)
        })
    }

    /// Brings the index up to date, if it lacks more than a few messages. Whether it is.
    pub(super) async fn index_words(&self) -> Result<bool, store::Error> {
        let Some(path) = self.house.full_text.kept(self.id) else {
            return Ok(true);
        };
        let settings = &self.house.ground.settings;
        let present: Vec<Uid> = self.messages().iter().map(|message| message.uid).collect();
        if present.len() < settings.index_from_messages {
            return Ok(true);
        }
        let memory = settings.index_memory_bytes;
        let index = Arc::new(blocking(move || WordIndex::open_or_make(&path)).await?);
        let known = blocking({
            let index = Arc::clone(&index);
            move || index.known()
        });
        let known = known.await?;
        let without =
            |list: &[Uid], other: &[Uid]| -> Vec<Uid> { list.iter().filter(|uid| other.binary_search(uid).is_err()).copied().collect() };
        let (missing, gone) = (without(&present, &known), without(&known, &present));
        if missing.len().saturating_add(gone.len()) < FEW.min(settings.index_from_messages.max(1)) {
            return Ok(true);
        }
        self.add_words(&index, (missing, gone), memory).await
    }

    async fn add_words(&self, index: &Arc<WordIndex>, (missing, gone): (Vec<Uid>, Vec<Uid>), memory: usize) -> Result<bool, store::Error> {
        let index = Arc::clone(index);
        let writer = blocking(move || {
            let writer = index.writer(memory)?;
            writer.iter().for_each(|writer| gone.iter().for_each(|&uid| writer.remove(uid)));
            Ok(writer)
        });
        let Some(mut writer) = writer.await? else { return Ok(false) };
        for some in missing.chunks(TOGETHER) {
            let begun = Instant::now();
            let (entries, maildir) = (self.entries(some), self.maildir());
            writer = blocking(move || add(writer, &maildir, entries)).await?;
            // As long as it took, others have the disk and the cores.
            tokio::time::sleep(begun.elapsed().min(GATHER)).await;
        }
        blocking(move || writer.finish()).await?;
        tracing::debug!(mailbox = %self.id, count = missing.len(), "words were indexed");
        Ok(true)
    }
}

fn add(mut writer: Writer, maildir: &Maildir, entries: Vec<Entry>) -> Result<Writer, store::Error> {
    for (uid, file, flags) in entries {
        let Some(message) = open(maildir, &file, flags)? else { continue };
        writer.add(&document(uid, &message.read_begin(u64::MAX)?))?;
    }
    Ok(writer)
}

fn document(uid: Uid, octets: &[u8]) -> Document {
    let words = Words::of(octets, &Structure::parse(octets));
    let joined = |words: HashSet<String>| words.into_iter().collect::<Vec<_>>().join(" ");
    Document {
        uid,
        header: joined(words.header),
        body: joined(words.body),
        is_whole: words.is_whole,
    }
}

/// Looks at the mailboxes that changed, one after the other, as long as there is a house.
async fn keep(house: Weak<Inner>, mut inbox: mpsc::Receiver<MailboxId>) {
    sweep(&house).await;
    // What there was when a mailbox was last looked at: its next UID and how many messages it had.
    let mut seen: HashMap<MailboxId, (Uid, usize)> = HashMap::new();
    let mut waiting = HashSet::new();
    while let Some(first) = inbox.recv().await {
        tokio::time::sleep(GATHER).await;
        waiting.insert(first);
        while let Ok(more) = inbox.try_recv() {
            waiting.insert(more);
        }
        for id in waiting.drain() {
            let Some(house) = house.upgrade() else { return };
            let Some(mailbox) = house.open_view(id) else { continue };
            drop(house);
            let now = (mailbox.uid_next(), mailbox.messages().len());
            if seen.get(&id) == Some(&now) {
                continue;
            }
            match mailbox.index_words().await {
                Ok(true) => drop(seen.insert(id, now)),
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, mailbox = %id, "words are not indexed"),
            }
        }
        let Some(house) = house.upgrade() else { return };
        let views = locked(&house.views);
        seen.retain(|id, _| views.contains_key(id));
    }
}

/// Removes the indexes of mailboxes that were deleted while nobody kept indexes.
async fn sweep(house: &Weak<Inner>) {
    let Some(house) = house.upgrade() else { return };
    let Ok(folders) = std::fs::read_dir(&house.full_text.root) else {
        return;
    };
    let names: Vec<String> = folders
        .flatten()
        .filter_map(|folder| folder.file_name().into_string().ok())
        .collect();
    for name in names {
        let Ok(id) = name.parse::<MailboxId>() else { continue };
        let Ok(mut tx) = house.ledger.database.read().await else { return };
        if let Ok(None) = mailboxes::current(&mut tx, id).await {
            drop(tx);
            house.full_text.forget(id).await;
        }
    }
}
