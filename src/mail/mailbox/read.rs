//! Reading messages: octets and structures.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::index::Write;
use super::view::FileEntry;
use super::{Mailbox, blocking, flags};
use crate::model::ids::Uid;
use crate::model::mailbox::Flags;
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::messages;
use crate::store::maildir::Maildir;
use crate::wire::message::structure::Structure;

/// The most octets of a message that are parsed for its structure: what comes after belongs to the last part.
const MAX_PARSED: u64 = 128 * 1024 * 1024;

/// The octets of a stored message.
#[derive(Debug, Clone)]
pub struct StoredMessage {
    file: Arc<File>,
    size: u64,
}

impl StoredMessage {
    /// Octets.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads `length` octets from `offset`, fewer at the end. To stream, ask for at most 64 KiB at a time.
    pub async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, Refusal> {
        let file = Arc::clone(&self.file);
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        Ok(blocking(move || read(&file, offset, length.min(left))).await?)
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
fn open(maildir: &Maildir, file: &FileEntry, message_flags: Flags) -> Result<Option<StoredMessage>, store::Error> {
    let opened = std::cell::Cell::new(None);
    flags::with_either_place(file, |place| {
        let path = maildir.file(&file.name, place, message_flags);
        match File::open(&path).and_then(|file| file.metadata().map(|meta| (file, meta.len()))) {
            Ok((file, size)) => {
                opened.set(Some(StoredMessage {
                    file: Arc::new(file),
                    size,
                }));
                Ok(true)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(store::Error::File { path, source }),
        }
    })?;
    Ok(opened.into_inner())
}

impl Mailbox {
    /// A message, opened for reading; none if it is gone.
    pub async fn open_message(&self, uid: Uid) -> Result<Option<StoredMessage>, Refusal> {
        // Another session may rename the file between the look at the view and the opening: then the view is asked again.
        for _ in 0..3 {
            let Some((file, flags)) = self.view().get(uid).map(|(message, file)| (file.clone(), message.flags)) else {
                return Ok(None);
            };
            let maildir = self.maildir();
            if let Some(opened) = blocking(move || open(&maildir, &file, flags)).await? {
                return Ok(Some(opened));
            }
            self.look(super::scan::Patience::None).await?;
        }
        Ok(None)
    }

    /// The structures of messages (ascending), parsed once and then kept in the database. A message that is gone is left out. Ask in
    /// ranges of at most some hundred.
    pub async fn structures(&self, uids: &[Uid]) -> Result<Vec<(Uid, Arc<Structure>)>, Refusal> {
        let (Some(&first), Some(&last)) = (uids.first(), uids.last()) else {
            return Ok(Vec::new());
        };
        let mut tx = self.house.ledger.database.read().await?;
        let kept = messages::structures(&mut tx, self.id, first, last).await?;
        drop(tx);
        let mut structures: Vec<(Uid, Arc<Structure>)> = Vec::with_capacity(uids.len());
        for (uid, data) in kept {
            if uids.binary_search(&uid).is_ok()
                && let Some(structure) = Structure::decode(&data)
            {
                structures.push((uid, Arc::new(structure)));
            }
        }
        let missing: Vec<Uid> = uids
            .iter()
            .copied()
            .filter(|uid| structures.binary_search_by_key(uid, |it| it.0).is_err())
            .collect();
        if !missing.is_empty() {
            structures.extend(self.parse(&missing).await?);
            structures.sort_by_key(|it| it.0);
        }
        Ok(structures)
    }

    async fn parse(&self, uids: &[Uid]) -> Result<Vec<(Uid, Arc<Structure>)>, Refusal> {
        let entries: Vec<(Uid, FileEntry, Flags)> = {
            let view = self.view();
            uids.iter()
                .filter_map(|&uid| view.get(uid).map(|(message, file)| (uid, file.clone(), message.flags)))
                .collect()
        };
        let maildir = self.maildir();
        let parsed = blocking(move || {
            let parse = |(uid, file, flags): (Uid, FileEntry, Flags)| match open(&maildir, &file, flags) {
                Ok(Some(message)) => {
                    let length = usize::try_from(message.size.min(MAX_PARSED)).unwrap_or(usize::MAX);
                    Some(read(&message.file, 0, length).map(|octets| (uid, Arc::new(Structure::parse(&octets)))))
                }
                Ok(None) => None,
                Err(error) => Some(Err(error)),
            };
            entries.into_iter().filter_map(parse).collect::<Result<Vec<_>, store::Error>>()
        })
        .await?;
        let encoded = parsed.iter().map(|(uid, structure)| (*uid, structure.encode())).collect();
        self.house.ledger.index.hint(Write::Structures(self.id, encoded));
        Ok(parsed)
    }
}
