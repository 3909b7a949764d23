//! Changing flags and removing messages.

use super::index::Write;
use super::view::{FileEntry, View};
use super::{Mailbox, blocking};
use crate::model::ids::{MailboxId, ModSeq, Uid};
use crate::model::mailbox::{FlagChange, Flags, MessageMeta};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::mailboxes;
use crate::store::maildir::{Maildir, Place};

/// The name of the keyword that Maildir has a letter of its own for (`P`, passed).
const FORWARDED: &str = "$Forwarded";

/// So many files are renamed before the index hears of it.
const TOGETHER: usize = 4_096;

/// Whether a keyword can be called so.
pub(super) fn is_keyword(name: &str) -> bool {
    !name.is_empty() && name.len() <= 100
}

/// A file whose flags are to change.
struct Rename {
    uid: Uid,
    file: FileEntry,
    old: Flags,
    new: Flags,
}

impl Mailbox {
    /// The bit of a keyword, made if it is new and there is room (26 a mailbox): none if not.
    pub async fn keyword(&self, name: &str) -> Result<Option<Flags>, Refusal> {
        if let Some(known) = self.known_keyword(name) {
            return Ok(Some(known));
        }
        if !is_keyword(name) {
            return Ok(None);
        }
        let _work = self.work.lock().await;
        // The number may be taken by another node at the same moment: then its names are read and the next is tried.
        for _ in 0..26 {
            let number = self.keywords().len();
            let Some(flag) = u8::try_from(number).ok().and_then(Flags::keyword) else {
                break;
            };
            if let Some(known) = self.known_keyword(name) {
                return Ok(Some(known));
            }
            let mut tx = self.house.ledger.database.write().await?;
            let inserted = mailboxes::insert_keyword(&mut tx, self.id, number, name).await;
            let taken = matches!(inserted, Err(store::Error::Conflict));
            if !taken {
                inserted?;
                tx.commit().await?;
            }
            let mut tx = self.house.ledger.database.read().await?;
            let names = mailboxes::keywords(&mut tx, self.id).await?;
            self.view_mut().keywords = names.into();
            if !taken {
                return Ok(Some(flag));
            }
        }
        Ok(None)
    }

    /// The bit of a keyword that some message of the mailbox has, or had.
    pub fn known_keyword(&self, name: &str) -> Option<Flags> {
        if name.eq_ignore_ascii_case(FORWARDED) {
            return Some(Flags::FORWARDED);
        }
        let keywords = self.keywords();
        let number = keywords.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        u8::try_from(number).ok().and_then(Flags::keyword)
    }

    /// Changes flags of the messages that exist (`uids` ascending). Those changed after `unchanged_since` are left alone (RFC 7162
    /// §3.1.3). The new state of the others, and those left alone.
    pub async fn store(
        &self,
        uids: &[Uid],
        change: FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<(Vec<MessageMeta>, Vec<Uid>), Refusal> {
        let _work = self.work.lock().await;
        let (renames, left) = self.plan(uids, change, unchanged_since);
        self.rename_all(renames, change).await?;
        let view = self.view();
        let stored = uids.iter().filter(|uid| left.binary_search(uid).is_err());
        Ok((
            stored
                .filter_map(|&uid| view.get(uid).map(|(message, _)| message.clone()))
                .collect(),
            left,
        ))
    }

    /// Gives files their new names, and the index the change, some at a time: it takes in what was renamed while the next are renamed, and
    /// what others want to write comes between.
    async fn rename_all(&self, renames: Vec<Rename>, change: FlagChange) -> Result<(), Refusal> {
        let mut renamed = Vec::new();
        let mut renames = renames.into_iter();
        loop {
            let part: Vec<Rename> = renames.by_ref().take(TOGETHER).collect();
            if part.is_empty() {
                return self.write_flags(renamed, change).await;
            }
            let maildir = self.maildir();
            let renaming = blocking(move || rename_some(&maildir, part));
            let (next, written) = tokio::join!(renaming, self.write_flags(renamed, change));
            written?;
            renamed = next?;
        }
    }

    async fn write_flags(&self, uids: Vec<Uid>, change: FlagChange) -> Result<(), Refusal> {
        let runs = self.view().runs(uids.into_iter().map(|uid| (uid, change)));
        if !runs.is_empty() {
            self.house.ledger.index.write(vec![Write::Flags(self.id, runs)]).await?;
        }
        Ok(())
    }

    fn plan(&self, uids: &[Uid], change: FlagChange, unchanged_since: Option<ModSeq>) -> (Vec<Rename>, Vec<Uid>) {
        let view = self.view();
        let mut left = Vec::new();
        let mut renames = Vec::new();
        for &uid in uids {
            let Some((message, file)) = view.get(uid) else { continue };
            if unchanged_since.is_some_and(|since| message.modseq > since) {
                left.push(uid);
                continue;
            }
            let new = change.apply(message.flags);
            if new != message.flags {
                renames.push(Rename {
                    uid,
                    file: file.clone(),
                    old: message.flags,
                    new,
                });
            }
        }
        (renames, left)
    }

    /// Removes for good the messages that have \Deleted, of `uids` (ascending) or of all; gives the UIDs removed.
    pub async fn expunge(&self, uids: Option<&[Uid]>) -> Result<Vec<Uid>, Refusal> {
        self.remove_where(|message| {
            message.flags.contains(Flags::DELETED) && uids.is_none_or(|uids| uids.binary_search(&message.uid).is_ok())
        })
        .await
    }

    /// Removes these (ascending) whether or not they have \Deleted.
    pub async fn remove(&self, uids: &[Uid]) -> Result<Vec<Uid>, Refusal> {
        self.remove_where(|message| uids.binary_search(&message.uid).is_ok()).await
    }

    /// Removes one, unless it was changed after `unchanged_since`; whether it was removed.
    pub async fn remove_unchanged(&self, uid: Uid, unchanged_since: ModSeq) -> Result<bool, Refusal> {
        let removed = self
            .remove_where(|message| message.uid == uid && message.modseq <= unchanged_since)
            .await?;
        Ok(!removed.is_empty())
    }

    async fn remove_where(&self, goes: impl Fn(&MessageMeta) -> bool) -> Result<Vec<Uid>, Refusal> {
        let _work = self.work.lock().await;
        let (files, writes, removed) = {
            let view = self.view();
            let going = view.messages.iter().zip(&view.files).filter(|(message, _)| goes(message));
            let (removed, files): (Vec<Uid>, Vec<(FileEntry, Flags)>) =
                going.map(|(message, file)| (message.uid, (file.clone(), message.flags))).unzip();
            (files, removal(self.id, &view, &removed), removed)
        };
        let Some(write) = writes else { return Ok(Vec::new()) };
        let maildir = self.maildir();
        blocking(move || files.iter().try_for_each(|(file, flags)| remove_file(&maildir, file, *flags))).await?;
        self.house.ledger.index.write(vec![write]).await?;
        Ok(removed)
    }
}

/// The write that forgets these messages (ascending); none if none of them is there.
pub(super) fn removal(id: MailboxId, view: &View, uids: &[Uid]) -> Option<Write> {
    let there: Vec<&MessageMeta> = uids.iter().filter_map(|&uid| view.get(uid).map(|it| it.0)).collect();
    let bytes: u64 = there.iter().map(|it| it.size).sum();
    let runs = || view.runs(there.iter().map(|it| (it.uid, FlagChange::Replace(Flags::NONE))));
    let write = || Write::Remove(id, runs(), there.len() as i64, bytes as i64);
    (!there.is_empty()).then(write)
}

/// Renames files to their new flags; those that could be.
fn rename_some(maildir: &Maildir, renames: Vec<Rename>) -> Result<Vec<Uid>, store::Error> {
    let held = maildir.hold()?;
    let rename = |it: Rename| {
        match with_either_place(&it.file, |place| held.set_flags(&it.file.name, place, it.old, it.new)) {
            Ok(true) => return Some(it.uid),
            // Another program renamed or removed it: the next look finds out.
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "flags of a message could not be changed"),
        }
        None
    };
    Ok(renames.into_iter().filter_map(rename).collect())
}

/// Removes the file of a message; that it is gone already is as good.
pub(super) fn remove_file(maildir: &Maildir, file: &FileEntry, flags: Flags) -> Result<(), store::Error> {
    with_either_place(file, |place| maildir.remove(&file.name, place, flags)).map(|_| ())
}

/// Tries where the view thinks that the file lies, then the other place.
pub(super) fn with_either_place(file: &FileEntry, attempt: impl Fn(Place) -> Result<bool, store::Error>) -> Result<bool, store::Error> {
    let other = match file.place {
        Place::New => Place::Cur,
        Place::Cur => Place::New,
    };
    Ok(attempt(file.place)? || attempt(other)?)
}
