//! Copying and moving between mailboxes.

use std::path::PathBuf;
use std::sync::Arc;

use super::index::{Addition, Failure, Write};
use super::view::FileEntry;
use super::{Mailbox, blocking, locked};
use crate::model::ids::Uid;
use crate::model::mailbox::{Flags, MessageMeta};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::messages::NewMessage;
use crate::store::maildir::{FileName, Maildir, Place};

/// Where copied or moved messages went (RFC 4315 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The target's.
    pub uidvalidity: u32,
    /// Pairs of old and new, ascending.
    pub uids: Vec<(Uid, Uid)>,
}

/// For those who may set any flag.
const EVERY: Flags = Flags::from_bits(u32::MAX);

/// A message on its way to another mailbox.
struct Passenger {
    message: MessageMeta,
    file: FileEntry,
    name: FileName,
    flags: Flags,
}

/// Names that are on their way into the index; no longer so when dropped.
struct InFlight<'a> {
    house: &'a super::Inner,
    names: Vec<FileName>,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut in_flight = locked(&self.house.in_flight);
        for name in &self.names {
            in_flight.remove(name);
        }
    }
}

impl Mailbox {
    /// Copies messages (ascending) to another mailbox, by hard links. All or nothing. [`Refusal::OverQuota`].
    pub async fn copy(&self, uids: &[Uid], target: &Self) -> Result<Copied, Refusal> {
        self.copy_with(uids, target, EVERY).await
    }

    /// The same by somebody who may set only these flags there.
    pub async fn copy_with(&self, uids: &[Uid], target: &Self, settable: Flags) -> Result<Copied, Refusal> {
        let keywords = self.keywords_in(uids, (target, settable)).await?;
        let _work = self.work.lock().await;
        let passengers = self.passengers(uids, &keywords, settable);
        let bytes = passengers.iter().map(|it| it.message.size).sum();
        let owner = target.home().owner.clone();
        self.house.check_quota(&owner, bytes, passengers.len() as u64).await?;
        self.transfer(passengers, target, Vec::new(), false).await
    }

    /// Moves messages (ascending) to another mailbox. All or nothing (RFC 6851 §3.3). [`Refusal::OverQuota`] if it is another user's.
    pub async fn relocate(&self, uids: &[Uid], target: &Self) -> Result<Copied, Refusal> {
        self.relocate_with(uids, target, EVERY).await
    }

    /// The same by somebody who may set only these flags there.
    pub async fn relocate_with(&self, uids: &[Uid], target: &Self, settable: Flags) -> Result<Copied, Refusal> {
        let keywords = self.keywords_in(uids, (target, settable)).await?;
        let _work = self.work.lock().await;
        let passengers = self.passengers(uids, &keywords, settable);
        let owner = target.home().owner.clone();
        if owner.id != self.home().owner.id {
            let bytes = passengers.iter().map(|it| it.message.size).sum();
            self.house.check_quota(&owner, bytes, passengers.len() as u64).await?;
        }
        let moved: Vec<Uid> = passengers.iter().map(|it| it.message.uid).collect();
        let removal = super::flags::removal(self.id, &self.view(), &moved);
        self.transfer(passengers, target, removal.into_iter().collect(), true).await
    }

    /// The keywords of these messages, here and in the target, where each may have another number. Asked before the folder is locked: a
    /// keyword that is new takes the target's lock, and two who copy in opposite directions must not wait for each other.
    async fn keywords_in(&self, uids: &[Uid], (target, settable): (&Self, Flags)) -> Result<Vec<(Flags, Flags)>, Refusal> {
        let (used, names) = {
            let view = self.view();
            let messages = uids.iter().filter_map(|&uid| view.get(uid));
            let used = messages.fold(Flags::NONE, |used, (message, _)| used.with(message.flags));
            (used, Arc::clone(&view.keywords))
        };
        let mut pairs = Vec::new();
        for number in used.keywords() {
            let Some(here) = Flags::keyword(number) else { continue };
            let there = match names.get(usize::from(number)) {
                _ if !settable.contains(here) => Flags::NONE,
                _ if target.id == self.id => here,
                Some(name) => target.keyword(name).await?.unwrap_or(Flags::NONE),
                None => Flags::NONE,
            };
            pairs.push((here, there));
        }
        Ok(pairs)
    }

    fn passengers(&self, uids: &[Uid], keywords: &[(Flags, Flags)], settable: Flags) -> Vec<Passenger> {
        let view = self.view();
        let passenger = |&uid: &Uid| {
            let (message, file) = view.get(uid)?;
            Some(Passenger {
                flags: translated(message.flags, keywords).only(settable),
                message: message.clone(),
                file: file.clone(),
                name: self.house.names.make(),
            })
        };
        uids.iter().filter_map(passenger).collect()
    }

    async fn transfer(&self, passengers: Vec<Passenger>, target: &Self, mut writes: Vec<Write>, moving: bool) -> Result<Copied, Refusal> {
        let uidvalidity = target.home().info.uidvalidity;
        if passengers.is_empty() {
            return Ok(Copied {
                uidvalidity,
                uids: Vec::new(),
            });
        }
        let names: Vec<FileName> = passengers.iter().map(|it| it.name.clone()).collect();
        locked(&self.house.in_flight).extend(names.iter().cloned());
        let _in_flight = InFlight { house: &self.house, names };
        let (from, to) = (self.maildir(), target.maildir());
        let (passengers, done) = blocking(move || {
            let done = carry_all(&passengers, &from, &to, moving);
            Ok((passengers, done))
        })
        .await?;
        let done = done?;
        let additions = passengers.iter().map(addition).collect();
        writes.insert(0, Write::Add(target.id, additions));
        match self.house.ledger.index.write(writes).await {
            Ok(firsts) => {
                let first = firsts.first().copied().ok_or(Refusal::LATER)?;
                let uids = passengers
                    .iter()
                    .zip(first.0..)
                    .map(|(it, new)| (it.message.uid, Uid(new)))
                    .collect();
                let copied = Copied { uidvalidity, uids };
                self.tell_resorted(target, &copied);
                Ok(copied)
            }
            Err(failure) => {
                blocking(move || {
                    take_back(&done, moving);
                    Ok(())
                })
                .await?;
                Err(failure.into())
            }
        }
    }
}

/// The flags, with the keywords of the other mailbox.
fn translated(flags: Flags, keywords: &[(Flags, Flags)]) -> Flags {
    let plain = flags.keywords().filter_map(Flags::keyword).fold(flags, Flags::without);
    let there = keywords.iter().filter(|(here, _)| flags.contains(*here));
    there.fold(plain, |flags, (_, there)| flags.with(*there))
}

fn addition(passenger: &Passenger) -> Addition {
    let message = NewMessage {
        name: passenger.name.as_str().to_owned(),
        flags: passenger.flags,
        size: passenger.message.size,
        internal_date: passenger.message.internal_date,
    };
    Addition {
        message,
        place: Place::New.with_flags(passenger.flags),
    }
}

/// Links or renames every file; those done so far are taken back when one fails.
fn carry_all(passengers: &[Passenger], from: &Maildir, to: &Maildir, moving: bool) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    let mut done = Vec::with_capacity(passengers.len());
    let carry_on = |it| {
        done.push(carry(it, from, to)?);
        Ok(())
    };
    if let Err(error) = passengers.iter().try_for_each(carry_on).and_then(|()| to.sync()) {
        take_back(&done, false);
        return Err(Failure::of_folder(to, error));
    }
    if moving {
        // Only now, with the new names durable, do the old ones go: a message is never without a name.
        for (old, _) in &done {
            if let Err(error) = std::fs::remove_file(old) {
                tracing::debug!(%error, "the old name of a moved message was gone already");
            }
        }
    }
    Ok(done)
}

fn carry(passenger: &Passenger, from: &Maildir, to: &Maildir) -> Result<(PathBuf, PathBuf), store::Error> {
    let mut last = None;
    for place in [passenger.file.place, Place::Cur, Place::New] {
        let old = from.file(&passenger.file.name, place, passenger.message.flags);
        match to.link_unsynced(&old, &passenger.name, passenger.flags) {
            Ok(new) => return Ok((old, new)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or(store::Error::Corrupt("messages.name")))
}

fn take_back(done: &[(PathBuf, PathBuf)], moving: bool) {
    for (old, new) in done {
        let back = if moving {
            std::fs::rename(new, old)
        } else {
            std::fs::remove_file(new)
        };
        if let Err(error) = back {
            tracing::warn!(%error, path = %new.display(), "a copy that failed could not be taken back");
        }
    }
}
