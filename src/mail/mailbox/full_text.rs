//! The index of words, in the background: it is made and kept up to date of mailboxes that somebody uses, a mailbox at a time, no more than
//! a commit's worth in a turn, and half of the time at most, so that it is in nobody's way. SEARCH asks it which messages may have a text;
//! those that are not in it yet are read as ever. An index that is damaged is made anew.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::hints::Hints;
use super::read::{Entry, open};
use super::view::View;
use super::{Inner, Mailbox, Mailboxes, blocking, locked};
use crate::model::clue::Clues;
use crate::model::ids::{MailboxId, Uid};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::mailboxes;
use crate::store::maildir::Maildir;
use crate::store::words::{self, Document, Known, Matches, WordIndex, Writer};
use crate::wire::message::structure::Structure;
use crate::wire::message::words::Words;

/// How long changes are gathered before the index is brought up to date.
const GATHER: Duration = Duration::from_secs(2);
/// So few messages are not worth a change of the index: they are read when somebody searches.
const FEW: usize = 64;
/// So many messages are read one after the other before others get their turn.
const TOGETHER: usize = 32;

/// The indexes, and the way to who keeps them.
pub(super) struct FullText {
    root: PathBuf,
    /// Whether somebody does.
    is_kept: AtomicBool,
    hints: Arc<Hints>,
    /// The mailboxes whose indexes were found sound, and did not fail since.
    sound: Mutex<HashSet<MailboxId>>,
}

impl Drop for FullText {
    fn drop(&mut self) {
        self.hints.end();
    }
}

impl FullText {
    /// The indexes in this directory, which nobody keeps yet.
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            is_kept: AtomicBool::new(false),
            hints: Arc::default(),
            sound: Mutex::default(),
        }
    }

    /// Something came into this mailbox, or went. Never waits.
    pub(super) fn hint(&self, mailbox: MailboxId) {
        if self.is_kept.load(Ordering::Relaxed) {
            self.hints.add(mailbox);
        }
    }

    /// Where the index is, if it is kept: else it may say what is no more.
    fn kept(&self, mailbox: MailboxId) -> Option<PathBuf> {
        self.is_kept.load(Ordering::Relaxed).then(|| self.path(mailbox))
    }

    /// The index failed: before it is used again it is looked at whether it is damaged. At once, if it was found sound before.
    fn suspect(&self, mailbox: MailboxId) {
        if locked(&self.sound).remove(&mailbox) {
            self.hint(mailbox);
        }
    }

    fn path(&self, mailbox: MailboxId) -> PathBuf {
        self.root.join(mailbox.to_string())
    }

    /// Drops the index of a mailbox that is no more, or whose messages may not be what they were.
    pub(super) async fn forget(&self, mailbox: MailboxId) {
        locked(&self.sound).remove(&mailbox);
        let path = self.path(mailbox);
        if let Err(error) = blocking(move || words::remove(&path)).await {
            tracing::warn!(%error, "an index of words is left behind");
        }
    }
}

/// What the index says of a text that is looked for in a mailbox.
#[derive(Debug)]
pub struct Lookup {
    /// The messages that it knows.
    known: Vec<Uid>,
    matches: Matches,
    decides: bool,
}

impl Lookup {
    /// Whether the message has the text; none if it must be read to know.
    pub fn verdict(&self, uid: Uid) -> Option<bool> {
        let among = |list: &[Uid]| list.binary_search(&uid).is_ok();
        if !among(&self.known) || among(&self.matches.open) {
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
        let full_text = &self.inner.full_text;
        if !full_text.is_kept.swap(true, Ordering::Relaxed) {
            tokio::spawn(keep(Arc::downgrade(&self.inner), Arc::clone(&full_text.hints)));
        }
    }
}

/// How far a mailbox's index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It knows all that it needs to know.
    Done,
    /// It needs another turn.
    Begun,
    /// Somebody else writes to it.
    Taken,
}

impl Mailbox {
    /// What the index says of messages that may have these texts (in their headers too, where that is said), in their order; none if there
    /// is no index.
    pub async fn look_up(&self, texts: Vec<(Clues, bool)>) -> Result<Option<Vec<Lookup>>, Refusal> {
        let Some(path) = self.house.full_text.kept(self.id) else {
            return Ok(None);
        };
        let _one_of_some = self.house.readers.acquire().await;
        let view = self.view().clone();
        let found = blocking(move || {
            let Some(index) = WordIndex::open(&path)? else { return Ok(None) };
            let present = present(&view);
            let lookup = |(clues, headers_too): (Clues, bool)| {
                let mut matches = index.find(&clues, headers_too)?;
                let known = common(&std::mem::take(&mut matches.known), &present);
                let decides = clues.decide;
                Ok(Lookup { known, matches, decides })
            };
            texts
                .into_iter()
                .map(lookup)
                .collect::<Result<Vec<Lookup>, store::Error>>()
                .map(Some)
        });
        // An index that cannot be read is none: what it would say is in the messages.
        found.await.or_else(|error| {
            tracing::warn!(%error, mailbox = %self.id, "an index of words cannot be read");
            self.house.full_text.suspect(self.id);
            Ok(None)
        })
    }

    /// Brings the index up to date, if it lacks more than a few messages, or nearer to it.
    async fn index_words(&self) -> Result<State, store::Error> {
        let full_text = &self.house.full_text;
        let Some(path) = full_text.kept(self.id) else {
            return Ok(State::Done);
        };
        let (settings, view) = (&self.house.ground.settings, self.view().clone());
        if view.messages.len() < settings.index_from_messages {
            return Ok(State::Done);
        }
        let is_sound = locked(&full_text.sound).contains(&self.id);
        let opened = blocking(move || {
            let Some(index) = opened(&path, is_sound)? else { return Ok(None) };
            let (known, present) = (index.known()?, present(&view));
            let without = |list: &[Known], other: &[Known]| -> Vec<Uid> {
                let missing = list.iter().filter(|it| other.binary_search(it).is_err());
                missing.map(|(uid, _)| *uid).collect()
            };
            Ok(Some((index, without(&present, &known), without(&known, &present))))
        });
        let Some((index, missing, gone)) = opened.await? else {
            return Ok(State::Taken);
        };
        locked(&full_text.sound).insert(self.id);
        if missing.len().saturating_add(gone.len()) < FEW.min(settings.index_from_messages.max(1)) {
            return Ok(State::Done);
        }
        self.add_words(Arc::new(index), (missing, gone), settings.index_memory_bytes).await
    }

    async fn add_words(&self, index: Arc<WordIndex>, (missing, gone): (Vec<Uid>, Vec<Uid>), memory: usize) -> Result<State, store::Error> {
        let writer = blocking(move || {
            let writer = index.writer(memory)?;
            writer.iter().for_each(|writer| gone.iter().for_each(|&uid| writer.remove(uid)));
            Ok(writer)
        });
        let Some(mut writer) = writer.await? else { return Ok(State::Taken) };
        let mut state = State::Done;
        for some in missing.chunks(TOGETHER) {
            let begun = Instant::now();
            let (entries, maildir) = (self.entries(some), self.maildir());
            writer = blocking(move || add(writer, &maildir, entries)).await?;
            if writer.is_full() {
                state = State::Begun;
                break;
            }
            // As long as it took, others have the disk and the cores.
            tokio::time::sleep(begun.elapsed().min(GATHER)).await;
        }
        blocking(move || writer.finish()).await?;
        tracing::debug!(mailbox = %self.id, ?state, "words were indexed");
        Ok(state)
    }
}

/// The index, made where there is none, and anew where it is damaged; none if somebody else writes to it.
fn opened(path: &Path, is_sound: bool) -> Result<Option<WordIndex>, store::Error> {
    let Some(index) = WordIndex::open_or_make(path)? else {
        return Ok(None);
    };
    // What is damaged may well make its reader panic.
    let sound = is_sound || std::panic::catch_unwind(AssertUnwindSafe(|| index.is_sound())).unwrap_or(Ok(false))?;
    if sound {
        return Ok(Some(index));
    }
    tracing::warn!(path = %path.display(), "an index of words is damaged and is made anew");
    WordIndex::make_anew(path)
}

/// The messages of a view, ascending, as an index knows them.
fn present(view: &View) -> Vec<Known> {
    let all = view.messages.iter().zip(&view.files);
    all.map(|(message, file)| (message.uid, file.name.fingerprint())).collect()
}

/// The UIDs of what is in both lists, which ascend.
fn common(known: &[Known], present: &[Known]) -> Vec<Uid> {
    let mut present = present.iter().peekable();
    let mut is_there = |it: &&Known| {
        while present.next_if(|other| other < it).is_some() {}
        present.peek() == Some(it)
    };
    known.iter().filter(|it| is_there(it)).map(|(uid, _)| *uid).collect()
}

fn add(mut writer: Writer, maildir: &Maildir, entries: Vec<Entry>) -> Result<Writer, store::Error> {
    for (uid, file, flags) in entries {
        if writer.is_full() {
            break;
        }
        let known = (uid, file.name.fingerprint());
        let octets = open(maildir, &file, flags).and_then(|message| message.map(|message| message.read_begin(u64::MAX)).transpose());
        match octets {
            Ok(Some(octets)) => writer.add(&document(known, &octets))?,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, %uid, "the words of a message cannot be indexed");
                writer.add(&unread(known))?;
            }
        }
    }
    Ok(writer)
}

/// A message of which nothing is known: whoever searches tries to read it.
fn unread(message: Known) -> Document {
    Document {
        message,
        header: String::new(),
        body: String::new(),
        is_whole: false,
    }
}

fn document(message: Known, octets: &[u8]) -> Document {
    let words = Words::of(octets, &Structure::parse(octets));
    Document {
        message,
        header: words.header,
        body: words.body,
        is_whole: words.is_whole,
    }
}

/// Looks at the mailboxes that changed, one after the other, as long as there is a house.
async fn keep(house: Weak<Inner>, hints: Arc<Hints>) {
    sweep(&house).await;
    // What there was when a mailbox was last looked at: its next UID and how many messages it had.
    let mut seen: HashMap<MailboxId, (Uid, usize)> = HashMap::new();
    while let Some(open) = house.upgrade() {
        seen.retain(|id, _| locked(&open.views).contains_key(id));
        locked(&open.full_text.sound).retain(|id| locked(&open.views).contains_key(id));
        drop(open);
        for id in hints.gather(GATHER).await {
            let Some(mailbox) = house.upgrade().and_then(|house| house.open_view(id)) else {
                continue;
            };
            let full_text = &mailbox.house.full_text;
            let now = (mailbox.uid_next(), mailbox.messages().len());
            if seen.get(&id) == Some(&now) && locked(&full_text.sound).contains(&id) {
                continue;
            }
            match mailbox.index_words().await {
                Ok(State::Done) => drop(seen.insert(id, now)),
                Ok(State::Begun) => hints.add(id),
                Ok(State::Taken) => {}
                Err(error) => {
                    tracing::warn!(%error, mailbox = %id, "words are not indexed");
                    full_text.suspect(id);
                }
            }
        }
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
