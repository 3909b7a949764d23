//! Putting messages into mailboxes: files first, synced, then the index.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;

use super::index::{Addition, Failure, Write};
use super::{Draft, Inner, Mailbox, Mailboxes, Target, blocking, flags, locked};
use crate::model::account::User;
use crate::model::ids::{MailboxId, Uid};
use crate::model::mailbox::{Flags, MailboxName};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::messages::NewMessage;
use crate::store::maildir::{FileName, Place};
use crate::wire::imap::flag::SYSTEM;

/// A message whose file is in its folder on stable storage, and which has no UID yet. Dropped without [`Placed::index`] or
/// [`Placed::leave`], the file is taken away again.
pub struct Placed {
    house: Arc<Inner>,
    target: Target,
    name: FileName,
    flags: Flags,
    size: u64,
    date: Timestamp,
    kept: bool,
}

/// What is stored: the draft, what goes before it, and its date.
pub(super) struct Letter<'a> {
    pub draft: &'a Draft,
    pub prefix: Vec<u8>,
    pub date: Option<Timestamp>,
}

/// A folder that a message goes into, and the flags that it has there.
#[derive(Debug, Clone)]
pub struct Slot {
    pub(super) target: Target,
    pub(super) flags: Flags,
}

impl Mailboxes {
    /// Puts one message into the INBOX of each of these users: one write and one sync, hard links for all but the first. One result
    /// for each user, in their order. `prefix` goes before the draft.
    pub async fn place(&self, users: &[Arc<User>], prefix: Vec<u8>, draft: &Draft) -> Vec<Result<Placed, Refusal>> {
        let mut slots = Vec::with_capacity(users.len());
        for user in users {
            slots.push(self.inbox_slot(user).await);
        }
        self.place_in(slots, prefix, draft).await
    }

    /// The same with a folder of choice for each, of which one user may have several.
    pub(in crate::mail) async fn place_in(
        &self,
        slots: Vec<Result<Slot, Refusal>>,
        prefix: Vec<u8>,
        draft: &Draft,
    ) -> Vec<Result<Placed, Refusal>> {
        let letter = Letter { draft, prefix, date: None };
        self.inner.place(slots, letter).await
    }

    /// The INBOX of the user, without flags.
    pub(in crate::mail) async fn inbox_slot(&self, user: &User) -> Result<Slot, Refusal> {
        let target = self.inbox(user).await?;
        Ok(Slot {
            target,
            flags: Flags::NONE,
        })
    }

    /// A mailbox of the user with these flags and keywords; those for which there is no room are left out. Errors: NotFound.
    pub(in crate::mail) async fn slot(&self, user: &User, name: &MailboxName, flags: &[String]) -> Result<Slot, Refusal> {
        if name.is_inbox() && flags.is_empty() {
            return self.inbox_slot(user).await;
        }
        let mailbox = self.open_to_add(user, name).await?;
        let mut set = Flags::NONE;
        for flag in flags {
            let system = SYSTEM.iter().find(|(_, known)| known.eq_ignore_ascii_case(flag));
            let known = match system {
                Some((bit, _)) => Some(*bit),
                None => mailbox.keyword(flag).await?,
            };
            set = set.with(known.unwrap_or(Flags::NONE));
        }
        Ok(Slot {
            target: mailbox.target(),
            flags: set,
        })
    }
}

impl Inner {
    /// Puts a message into each folder; see [`Mailboxes::place`].
    pub(super) async fn place(self: &Arc<Self>, slots: Vec<Result<Slot, Refusal>>, letter: Letter<'_>) -> Vec<Result<Placed, Refusal>> {
        let date = letter.date.unwrap_or_else(|| self.ground.clock.now());
        let size = letter.draft.size() + letter.prefix.len() as u64;
        let mut placed: Vec<Result<Placed, Refusal>> = slots
            .into_iter()
            .map(|slot| slot.map(|slot| self.reserve(slot, size, date)))
            .collect();
        let wanted: Vec<(Slot, FileName)> = placed.iter().flatten().map(|it| (it.slot(), it.name.clone())).collect();
        let results = self.write(wanted, &letter).await;
        let mut results = match results {
            Ok(results) => results.into_iter(),
            Err(error) => return vec![Err(error.into())],
        };
        for it in &mut placed {
            if it.is_ok()
                && let Some(Err(failure)) = results.next()
            {
                *it = Err(failure.into());
            }
        }
        placed
    }

    /// The user was removed, or their INBOX made anew, by another node: what we remember of it is wrong.
    fn forget_inbox(&self, id: MailboxId) {
        locked(&self.inboxes).retain(|_, known| known.mailbox != id);
    }

    /// Puts a message into a folder under a name that it has already.
    pub(super) async fn place_named(self: &Arc<Self>, slot: Slot, name: FileName, letter: Letter<'_>) -> Result<Placed, Refusal> {
        let date = letter.date.unwrap_or_else(|| self.ground.clock.now());
        let size = letter.draft.size() + letter.prefix.len() as u64;
        locked(&self.in_flight).insert(name.clone());
        let placed = Placed::of_file(self, slot.target.clone(), (name.clone(), slot.flags), (size, date));
        let result = self.write(vec![(slot, name)], &letter).await?.into_iter().next();
        result.unwrap_or(Ok(()))?;
        Ok(placed)
    }

    fn reserve(self: &Arc<Self>, slot: Slot, size: u64, date: Timestamp) -> Placed {
        let name = self.names.make();
        locked(&self.in_flight).insert(name.clone());
        Placed::of_file(self, slot.target, (name, slot.flags), (size, date))
    }

    /// Writes the files; a result for each.
    async fn write(&self, wanted: Vec<(Slot, FileName)>, letter: &Letter<'_>) -> Result<Vec<Result<(), Failure>>, store::Error> {
        // Owned copies, since the disk work must not end with the session that asked for it.
        let content = letter.draft.content(&letter.prefix);
        let (prefix, memory, file) = (
            content.prefix.to_vec(),
            content.memory.to_vec(),
            content.file.map(ToOwned::to_owned),
        );
        let modified = letter.date.and_then(|date| SystemTime::try_from(date).ok());
        blocking(move || {
            let content = store::maildir::Content {
                prefix: &prefix,
                memory: &memory,
                file: file.as_deref(),
            };
            Ok(write_all(&wanted, &content, modified))
        })
        .await
    }
}

/// The first that can be written is written, the others are linked to it. A folder that is not there is that of a mailbox that was deleted
/// meanwhile, and stays away.
fn write_all(slots: &[(Slot, FileName)], content: &store::maildir::Content<'_>, modified: Option<SystemTime>) -> Vec<Result<(), Failure>> {
    let mut source: Option<PathBuf> = None;
    let mut results = Vec::with_capacity(slots.len());
    for (Slot { target, flags }, name) in slots {
        let flags = *flags;
        let write = || match &source {
            None => target.maildir.store(name, content, flags, modified).map(|_| ()),
            Some(path) => target.maildir.link(path, name, flags),
        };
        let result = match write() {
            // Somebody removed the folder below us: mail goes on, into a new one.
            Err(store::Error::File { source, .. }) if target.is_inbox && source.kind() == std::io::ErrorKind::NotFound => {
                target.maildir.create(false).and_then(|()| write())
            }
            result => result,
        };
        let result = result.map_err(|error| Failure::of_folder(&target.maildir, error));
        if result.is_ok() && source.is_none() {
            source = Some(target.maildir.file(name, Place::New.with_flags(flags), flags));
        }
        results.push(result);
    }
    results
}

impl Placed {
    /// A file that is, or is about to be, in its folder.
    pub(super) fn of_file(house: &Arc<Inner>, target: Target, (name, flags): (FileName, Flags), (size, date): (u64, Timestamp)) -> Self {
        Self {
            house: Arc::clone(house),
            target,
            name,
            flags,
            size,
            date,
            kept: false,
        }
    }

    fn slot(&self) -> Slot {
        Slot {
            target: self.target.clone(),
            flags: self.flags,
        }
    }

    /// Where the file is.
    pub(super) fn path(&self) -> PathBuf {
        self.target.maildir.file(&self.name, Place::New.with_flags(self.flags), self.flags)
    }

    /// What the file is called.
    pub(super) fn name(&self) -> &FileName {
        &self.name
    }

    /// Gives the message its UID and shows it to the mailbox's sessions.
    pub async fn index(&mut self) -> Result<Uid, Refusal> {
        let write = Write::Add(self.target.mailbox, vec![self.addition()]);
        let firsts = match self.house.ledger.index.write(vec![write]).await {
            Ok(firsts) => firsts,
            Err(Failure::Gone) => {
                self.house.forget_inbox(self.target.mailbox);
                return Err(Refusal::LATER);
            }
            Err(failure) => return Err(failure.into()),
        };
        self.kept = true;
        firsts.first().copied().ok_or(Refusal::LATER)
    }

    /// Gives these messages their UIDs, all of them or none.
    pub async fn index_together(placed: &mut [Self]) -> Result<(), Refusal> {
        let Some(house) = placed.first().map(|it| Arc::clone(&it.house)) else {
            return Ok(());
        };
        let writes = placed.iter().map(|it| Write::Add(it.target.mailbox, vec![it.addition()])).collect();
        let written = house.ledger.index.write(writes).await;
        if matches!(written, Err(Failure::Gone)) {
            placed.iter().for_each(|it| house.forget_inbox(it.target.mailbox));
            return Err(Refusal::LATER);
        }
        written?;
        placed.iter_mut().for_each(|it| it.kept = true);
        Ok(())
    }

    /// Gives these messages of one mailbox their UIDs, all of them or none; the UIDs, one after the other.
    pub async fn index_all(mut placed: Vec<Self>) -> Result<Vec<Uid>, Refusal> {
        let Some((house, mailbox)) = placed.first().map(|it| (Arc::clone(&it.house), it.target.mailbox)) else {
            return Ok(Vec::new());
        };
        let additions = placed.iter().map(Self::addition).collect();
        let firsts = house.ledger.index.write(vec![Write::Add(mailbox, additions)]).await?;
        placed.iter_mut().for_each(|it| it.kept = true);
        let first = firsts.first().copied().ok_or(Refusal::LATER)?;
        Ok((first.0..).take(placed.len()).map(Uid).collect())
    }

    /// Lets the file stay without a UID: it gets one when its folder is looked at the next time, as if another program had put it there.
    pub fn leave(mut self) {
        self.kept = true;
    }

    pub(super) fn addition(&self) -> Addition {
        Addition {
            message: NewMessage {
                name: self.name.as_str().to_owned(),
                flags: self.flags,
                size: self.size,
                internal_date: self.date,
            },
            place: Place::New.with_flags(self.flags),
        }
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = self
                .target
                .maildir
                .remove(&self.name, Place::New.with_flags(self.flags), self.flags)
        {
            tracing::warn!(%error, "a message that was not delivered could not be taken away");
        }
        locked(&self.house.in_flight).remove(&self.name);
    }
}

impl Mailbox {
    /// Adds a message; on stable storage when it returns. [`Refusal::OverQuota`].
    pub async fn append(&self, draft: Draft, flags: Flags, date: Timestamp) -> Result<Uid, Refusal> {
        self.check_room(draft.size(), 1, None).await?;
        self.place(draft, flags, date).await?.index().await
    }

    /// Puts a message into the folder, on stable storage, without a UID so far.
    pub async fn place(&self, mut draft: Draft, flags: Flags, date: Timestamp) -> Result<Placed, Refusal> {
        draft.finish().await?;
        self.place_draft(&draft, flags, date).await
    }

    /// The same with a message that goes elsewhere too, and is finished. [`Refusal::OverQuota`].
    pub(in crate::mail) async fn place_copy(&self, draft: &Draft, flags: Flags, date: Timestamp) -> Result<Placed, Refusal> {
        self.check_room(draft.size(), 1, None).await?;
        self.place_draft(draft, flags, date).await
    }

    async fn place_draft(&self, draft: &Draft, flags: Flags, date: Timestamp) -> Result<Placed, Refusal> {
        let letter = Letter {
            draft,
            prefix: Vec::new(),
            date: Some(date),
        };
        let target = self.target();
        let placed = self.house.place(vec![Ok(Slot { target, flags })], letter).await;
        placed.into_iter().next().unwrap_or(Err(Refusal::LATER))
    }

    /// Gives a placed message its UID and removes one of this mailbox, at one moment (RFC 8508 §3.4). [`Refusal::NotFound`] if that one
    /// is gone.
    pub async fn replace(&self, old: Uid, mut new: Placed) -> Result<Uid, Refusal> {
        let _work = self.work.lock().await;
        let gone = || Refusal::NotFound {
            what: "message",
            name: format!("with the UID {}", old.0),
        };
        let (file, flags, removal) = {
            let view = self.view();
            let (message, file) = view.get(old).ok_or_else(gone)?;
            (
                file.clone(),
                message.flags,
                flags::removal(self.id, &view, &[old]).ok_or_else(gone)?,
            )
        };
        let addition = Write::Add(new.target.mailbox, vec![new.addition()]);
        let firsts = self.house.ledger.index.write(vec![addition, removal]).await?;
        new.kept = true;
        let maildir = self.maildir();
        // The index has forgotten it: a file that stays would come back as a new message, but nothing is lost.
        if let Err(error) = blocking(move || flags::remove_file(&maildir, &file, flags)).await {
            tracing::warn!(%error, "the file of a replaced message could not be removed");
        }
        firsts.first().copied().ok_or(Refusal::LATER)
    }
}
