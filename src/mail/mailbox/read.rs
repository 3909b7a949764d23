//! Reading messages: their octets.
//!
//! A message is opened, and its begin read, in one piece of disk work, and many small messages together: for mail as it usually is,
//! that is all the reading there is.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::examine::note_unreadable;
use super::view::FileEntry;
use super::{Mailbox, blocking, flags};
use crate::model::ids::Uid;
use crate::model::mailbox::Flags;
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::maildir::Maildir;

/// So much of a message is read when it is opened.
const BEGIN: u64 = 65_536;
/// So many messages are opened together, as long as their begins are no more than so many octets.
const TOGETHER: usize = 64;
const OCTETS_TOGETHER: usize = 1_048_576;

/// The octets of a stored message.
#[derive(Debug, Clone)]
pub struct StoredMessage {
    begin: Bytes,
    /// Absent when the begin is all there is.
    rest: Option<Arc<File>>,
    size: u64,
}

impl StoredMessage {
    /// Octets.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads `length` octets from `offset`, fewer at the end. To stream, ask for at most 64 KiB at a time.
    pub async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, Refusal> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = length.min(left);
        match (self.in_begin(offset, length), &self.rest) {
            (Some(octets), _) => Ok(octets),
            (None, Some(file)) => {
                let file = Arc::clone(file);
                Ok(blocking(move || read(&file, offset, length)).await?)
            }
            (None, None) => Ok(Bytes::new()),
        }
    }

    fn in_begin(&self, offset: u64, length: usize) -> Option<Bytes> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(length)?;
        (end <= self.begin.len()).then(|| self.begin.slice(start..end))
    }

    /// The begin of the message: all of it when it is small.
    pub(super) fn begin(&self) -> &Bytes {
        &self.begin
    }

    /// The first octets, at most so many. For those who do disk work anyway.
    pub(super) fn read_begin(&self, most: u64) -> Result<Bytes, store::Error> {
        self.read_piece(0, usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// Octets from `offset`, fewer at the end. For those who do disk work anyway.
    pub(super) fn read_piece(&self, offset: u64, length: usize) -> Result<Bytes, store::Error> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = length.min(left);
        match (self.in_begin(offset, length), &self.rest) {
            (None, Some(file)) => read(file, offset, length),
            (octets, _) => Ok(octets.unwrap_or_default()),
        }
    }

    /// The whole message, for those that need it whole.
    pub async fn read_all(&self) -> Result<Bytes, Refusal> {
        self.read_at(0, usize::try_from(self.size).unwrap_or(usize::MAX)).await
    }
}

fn read(file: &File, offset: u64, length: usize) -> Result<Bytes, store::Error> {
    let mut octets = vec![0; length];
    let mut filled = 0;
    while let Some(rest) = octets.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(store::Error::File {
                    path: PathBuf::from("(a stored message)"),
                    source,
                });
            }
        }
    }
    octets.truncate(filled);
    Ok(octets.into())
}

/// Opens the file of a message, wherever it lies; none if it is gone.
pub(super) fn open(maildir: &Maildir, file: &FileEntry, message_flags: Flags) -> Result<Option<StoredMessage>, store::Error> {
    let opened = std::cell::Cell::new(None);
    flags::with_either_place(file, |place| {
        let path = maildir.file(&file.name, place, message_flags);
        match File::open(&path) {
            Ok(file) => {
                let metadata = file.metadata().map_err(|source| store::Error::File { path, source })?;
                opened.set(Some(begin(file, metadata.len())?));
                Ok(true)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(store::Error::File { path, source }),
        }
    })?;
    Ok(opened.into_inner())
}

fn begin(file: File, size: u64) -> Result<StoredMessage, store::Error> {
    let begin = read(&file, 0, usize::try_from(size.min(BEGIN)).unwrap_or(usize::MAX))?;
    let rest = (size > BEGIN).then(|| Arc::new(file));
    Ok(StoredMessage { begin, rest, size })
}

/// How often, and how, a file is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    AtOnce,
    /// While nobody here changes names.
    Alone,
    /// The same, after a look at the folder.
    AfterLook,
}

/// A message and how to find its file.
pub(super) type Entry = (Uid, FileEntry, Flags);

impl Mailbox {
    /// A message, opened for reading; none if it is gone.
    pub async fn open_message(&self, uid: Uid) -> Result<Option<StoredMessage>, Refusal> {
        let opened = self.with_files(&[uid], open_all).await?;
        Ok(opened.into_iter().next().map(|(_, message)| message))
    }

    /// Opens the first of these messages (ascending), as many as do for one piece of disk work: at least one. None for one that is gone.
    pub async fn open_messages(&self, uids: &[Uid]) -> Result<Vec<Option<StoredMessage>>, Refusal> {
        let uids = uids.get(..TOGETHER).unwrap_or(uids);
        let entries = self.entries(uids);
        let maildir = self.maildir();
        let found = blocking(move || open_some(&maildir, entries)).await?;
        let reached = found
            .last()
            .and_then(|(last, _)| uids.binary_search(last).ok())
            .map_or(1, |at| at + 1);
        let mut found = found.into_iter().peekable();
        let mut opened = Vec::with_capacity(reached);
        for &uid in uids.iter().take(reached) {
            opened.push(match found.next_if(|(known, _)| *known == uid) {
                Some((_, Some(message))) => Some(message),
                // Renamed just now, or gone, or it cannot be read.
                _ => self.open_message(uid).await.unwrap_or_else(|error| {
                    note_unreadable(uid, &error);
                    None
                }),
            });
        }
        Ok(opened)
    }

    /// Does disk work with the files of messages (ascending), and gives what it gave, ascending by UID.
    ///
    /// The name of a file tells its flags, and between a look at the view and the work somebody may change them. So what the work does
    /// not find it gets once more while nobody here changes names, and then after a look for what other programs did.
    pub(super) async fn with_files<T, W>(&self, uids: &[Uid], work: W) -> Result<Vec<(Uid, T)>, Refusal>
    where
        T: Send + 'static,
        W: Fn(&Maildir, Vec<Entry>) -> Result<Vec<(Uid, T)>, store::Error> + Copy + Send + 'static,
    {
        let mut done: Vec<(Uid, T)> = Vec::with_capacity(uids.len());
        for attempt in [Attempt::AtOnce, Attempt::Alone, Attempt::AfterLook] {
            let is_missing = |uid: &Uid| done.binary_search_by_key(uid, |it| it.0).is_err();
            let missing: Vec<Uid> = uids.iter().copied().filter(is_missing).collect();
            if attempt == Attempt::AfterLook && !self.entries(&missing).is_empty() {
                self.look(super::scan::Patience::None).await?;
            }
            let _work = match attempt {
                Attempt::AtOnce => None,
                _ if missing.is_empty() => break,
                _ => Some(self.work.lock().await),
            };
            let (maildir, entries) = (self.maildir(), self.entries(&missing));
            if entries.is_empty() {
                break;
            }
            done.extend(blocking(move || work(&maildir, entries)).await?);
            done.sort_by_key(|it| it.0);
        }
        Ok(done)
    }

    /// The files of these messages, without those that are gone.
    pub(super) fn entries(&self, uids: &[Uid]) -> Vec<Entry> {
        let view = self.view();
        uids.iter()
            .filter_map(|&uid| view.get(uid).map(|(message, file)| (uid, file.clone(), message.flags)))
            .collect()
    }
}

fn open_all(maildir: &Maildir, entries: Vec<Entry>) -> Result<Vec<(Uid, StoredMessage)>, store::Error> {
    let open = |(uid, file, flags)| Ok(open(maildir, &file, flags)?.map(|message| (uid, message)));
    entries.into_iter().filter_map(|entry| open(entry).transpose()).collect()
}

/// Opens one after the other, until their begins are enough for once, or one goes on in its file.
fn open_some(maildir: &Maildir, entries: Vec<Entry>) -> Result<Vec<(Uid, Option<StoredMessage>)>, store::Error> {
    let mut opened = Vec::with_capacity(entries.len());
    let mut octets = 0;
    for (uid, file, flags) in entries {
        let message = open(maildir, &file, flags).unwrap_or(None);
        octets += message.as_ref().map_or(0, |message| message.begin.len());
        let is_enough = octets >= OCTETS_TOGETHER || message.as_ref().is_some_and(|message| message.rest.is_some());
        opened.push((uid, message));
        if is_enough {
            break;
        }
    }
    Ok(opened)
}
