//! Moving in: messages of a folder elsewhere come into a mailbox, with the UIDs, flags and dates that they had there.
//!
//! `mail::import` calls it. A mailbox that never had a message takes over the UIDVALIDITY of the folder, and keeps the folder's UIDs for its
//! messages, so that clients find what they have already (RFC 3501 §2.3.1.1). Files come first, synced, then the index, in batches; how far
//! a folder has come is stored with each batch, so that an import that was broken off is gone on with, and one that is done again brings
//! only what is new. What was removed here since does not come back, and flags that were changed here stay.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::stream::{StreamExt, TryStreamExt, iter};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::index::{Batch, Failure, Write};
use super::place::{Letter, Placed, Slot};
use super::watch::Watched;
use super::{Draft, Mailbox, Mailboxes, blocking, locked};
use crate::model::account::User;
use crate::model::ids::{ModSeq, Uid, UserId};
use crate::model::mailbox::{FlagChange, Flags, MailboxName};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::imports::{self, Import};
use crate::store::db::mailboxes;
use crate::store::maildir::{Carriage, FileName, Maildir, Owner};

/// So many files are carried one after the other, and so many times as many at the same time.
const TOGETHER: usize = 64;
const AT_ONCE: usize = 4;
/// The most octets of the list of messages that could not be brought.
const MAX_FAILED: usize = 16_000;
/// How often a batch is tried that others got between.
const ATTEMPTS: usize = 5;

/// A folder elsewhere.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The account and the folder, in any form that is always the same.
    pub source: String,
    /// RFC 3501 §2.3.1.1; 0 if the messages there have no UIDs.
    pub uidvalidity: u32,
    /// The UID that its next message will get.
    pub uid_next: u32,
}

/// A file that is to become a message.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Where it is.
    pub from: std::path::PathBuf,
    /// The UID that it has there, if it has one.
    pub uid: Option<u32>,
    /// What it is called here.
    pub name: FileName,
    /// Its flags here.
    pub flags: Flags,
}

/// A message that is on stable storage here, and not in the index so far.
pub struct Arrival {
    placed: Placed,
    uid: Option<u32>,
}

/// A mailbox that messages of a folder elsewhere come into.
pub struct MovingIn {
    mailbox: Arc<Mailbox>,
    /// Nobody else brings messages into it meanwhile.
    _lock: std::fs::File,
    owner: Option<Owner>,
    import: Import,
    failed: BTreeSet<u32>,
    /// What was brought before, and is here.
    known: HashMap<FileName, Uid>,
    /// Flags were changed.
    changed: bool,
    /// The folder had another UIDVALIDITY when it was brought before.
    is_renewed: bool,
}

impl Mailboxes {
    /// Makes a mailbox ready for the messages of a folder; it is made if it is not there. [`Refusal::InUse`] if another import is at it.
    pub async fn moving_in(&self, user: &User, name: &MailboxName, origin: &Origin) -> Result<MovingIn, Refusal> {
        let rows = self.prepare(user).await?;
        if rows.iter().all(|row| row.info.name != *name) {
            match self.create(user, name, None).await {
                Ok(_) | Err(Refusal::Exists { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let (import, is_renewed) = self.begin_import(user, name, origin).await?;
        let mailbox = self.open(user, name).await?;
        let maildir = mailbox.maildir();
        let lock = blocking(move || maildir.reserve()).await?;
        let lock = lock.ok_or_else(|| Refusal::InUse(format!("another import brings messages into {name} of {}", user.login)))?;
        let owner = Owner::of(&self.inner.ground.root).or_else(|| Owner::of(self.inner.ground.root.parent()?));
        if let Some(owner) = owner {
            self.give_folders(user, owner).await?;
        }
        let known: HashMap<FileName, Uid> = {
            let view = mailbox.view();
            let of = view.messages.iter().zip(&view.files);
            let imported = of.filter(|(_, file)| file.name.is_imported());
            imported.map(|(message, file)| (file.name.clone(), message.uid)).collect()
        };
        let (maildir, names) = (mailbox.maildir(), known.keys().cloned().collect());
        blocking(move || maildir.remove_unknown_imports(&names)).await?;
        Ok(MovingIn {
            mailbox,
            _lock: lock,
            owner,
            failed: numbers(&import.failed).collect(),
            import,
            known,
            changed: false,
            is_renewed,
        })
    }

    /// All folders of the user, some of which may have been made just now.
    async fn give_folders(&self, user: &User, owner: Owner) -> Result<(), Refusal> {
        let dir = self.inner.user_dir(user)?;
        let (rows, root) = (self.prepare(user).await?, self.inner.ground.root.clone());
        let folders = move || {
            rows.iter()
                .try_for_each(|row| Maildir::at(dir.join(&row.folder)).give_to(owner, &root))
        };
        Ok(blocking(folders).await?)
    }

    /// What is known of the folder so far. A mailbox that never had a message takes over its UIDVALIDITY; one that did so before keeps the
    /// UIDs of what has come there since, as long as nothing else has come here. Also whether the UIDVALIDITY has changed.
    async fn begin_import(&self, user: &User, name: &MailboxName, origin: &Origin) -> Result<(Import, bool), Refusal> {
        let source = digest(&origin.source);
        let uid_next = Uid(origin.uid_next.max(1));
        let mut tx = self.inner.ledger.database.write().await?;
        let row = mailboxes::by_name(&mut tx, user.id, name).await?.ok_or(Refusal::LATER)?;
        let known = imports::find(&mut tx, row.info.id, &source).await?;
        let is_renewed = known.as_ref().is_some_and(|it| it.uidvalidity != origin.uidvalidity);
        let mut import = known.filter(|it| it.uidvalidity == origin.uidvalidity).unwrap_or(Import {
            source,
            uidvalidity: origin.uidvalidity,
            reserved: Uid(0),
            last_uid: Uid(0),
            modseq: ModSeq(0),
            failed: String::new(),
        });
        let whose: (UserId, _) = (user.id, row.info.id);
        if import.reserved == Uid(0) {
            if origin.uidvalidity > 0 && imports::take_over(&mut tx, whose, origin.uidvalidity, uid_next).await? {
                import.reserved = uid_next;
            }
        } else if uid_next > import.reserved && imports::reserve_more(&mut tx, row.info.id, import.reserved, uid_next).await? {
            import.reserved = uid_next;
        }
        imports::put(&mut tx, row.info.id, &import).await?;
        tx.commit().await?;
        self.inner.watches.wake(Watched::Messages(row.info.id));
        Ok((import, is_renewed))
    }
}

impl MovingIn {
    /// Whether the messages keep the UIDs that they have there.
    pub fn keeps_uids(&self) -> bool {
        self.import.reserved > Uid(0)
    }

    /// The bit of a keyword; none if the mailbox has too many.
    pub async fn keyword(&self, name: &str) -> Result<Option<Flags>, Refusal> {
        self.mailbox.keyword(name).await
    }

    /// Whether the message of this name was brought before and is here.
    pub fn has(&self, name: &FileName) -> bool {
        self.known.contains_key(name)
    }

    /// Whether a message with this UID there was brought before: if it is not here, somebody removed it since.
    pub fn was_brought(&self, uid: u32) -> bool {
        uid <= self.import.last_uid.0 && !self.failed.contains(&uid)
    }

    /// Notes that a message could not be brought: it is tried again the next time.
    pub fn note_failed(&mut self, uid: u32) {
        self.failed.insert(uid);
        self.import.last_uid = self.import.last_uid.max(Uid(uid));
    }

    /// The sizes and dates (in seconds) of the messages here, if the UIDVALIDITY of the folder has changed: what is the same there was brought
    /// before, under another UID (RFC 3501 §2.3.1.1).
    pub fn alike(&self) -> HashSet<(u64, i64)> {
        if !self.is_renewed {
            return HashSet::new();
        }
        let messages = self.mailbox.messages();
        messages.iter().map(|it| (it.size, it.internal_date.as_second())).collect()
    }

    /// Carries files here and puts them on stable storage; for each, in their order, the message or why it could not be carried.
    pub async fn carry(&self, parcels: Vec<Parcel>, carriage: Carriage) -> Result<Vec<Result<Arrival, (Parcel, String)>>, Refusal> {
        locked(&self.mailbox.house.in_flight).extend(parcels.iter().map(|it| it.name.clone()));
        let maildir = self.mailbox.maildir();
        let parts = parcels.chunks(TOGETHER).map(<[Parcel]>::to_vec).map(|part| {
            let (maildir, owner) = (maildir.clone(), self.owner);
            blocking(move || {
                Ok(part
                    .into_iter()
                    .map(|it| take_in(&maildir, it, (carriage, owner)))
                    .collect::<Vec<_>>())
            })
        });
        let parts: Vec<_> = parts.collect();
        let carried: Vec<_> = iter(parts).buffered(AT_ONCE).try_concat().await?;
        let target = self.mailbox.target();
        let arrived = carried.into_iter().map(|(parcel, taken)| match taken {
            Ok((size, date)) => Ok(Arrival {
                uid: parcel.uid,
                placed: Placed::of_file(&self.mailbox.house, target.clone(), (parcel.name, parcel.flags), (size, date)),
            }),
            Err(error) => {
                locked(&self.mailbox.house.in_flight).remove(&parcel.name);
                Err((parcel, error.to_string()))
            }
        });
        let arrived = arrived.collect();
        blocking(move || maildir.sync_all()).await?;
        Ok(arrived)
    }

    /// Stores a message that came as octets. `uid`: what it has there.
    pub async fn store(
        &self,
        mut draft: Draft,
        uid: Option<u32>,
        (name, flags, date): (FileName, Flags, Timestamp),
    ) -> Result<Arrival, Refusal> {
        draft.finish().await?;
        let letter = Letter {
            draft: &draft,
            prefix: Vec::new(),
            date: Some(date),
        };
        let slot = Slot {
            target: self.mailbox.target(),
            flags,
        };
        let placed = self.mailbox.house.place_named(slot, name, letter).await?;
        if let Some(owner) = self.owner {
            let path = placed.path();
            blocking(move || owner.give(&path)).await?;
        }
        Ok(Arrival { placed, uid })
    }

    /// Enters messages into the index, all or none, and stores how far the folder has come with them; how many kept their UIDs.
    pub async fn enter(&mut self, mut arrivals: Vec<Arrival>) -> Result<usize, Refusal> {
        for uid in arrivals.iter().filter_map(|it| it.uid) {
            self.failed.remove(&uid);
            self.import.last_uid = self.import.last_uid.max(Uid(uid));
        }
        if arrivals.is_empty() {
            return Ok(0);
        }
        self.import.failed = text(&self.failed);
        for _ in 0..ATTEMPTS {
            let uids = self.free_uids(&arrivals);
            let additions = arrivals.iter().map(|it| it.placed.addition());
            let batch = Batch {
                arrivals: uids.iter().copied().zip(additions).collect(),
                import: self.import.clone(),
            };
            let write = Write::Import(self.mailbox.id, Box::new(batch));
            match self.mailbox.house.ledger.index.write(vec![write]).await {
                Ok(_) => {
                    self.import.modseq = self.mailbox.highest_modseq();
                    arrivals.into_iter().for_each(|it| it.placed.leave());
                    return Ok(uids.iter().flatten().count());
                }
                // Another process was quicker with one of them.
                Err(Failure::Store(store::Error::Conflict)) => {
                    self.mailbox.catch_up().await?;
                    arrivals = self.without_known(arrivals);
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Refusal::LATER)
    }

    /// For each the UID that it had there, if that was kept for it and is free.
    fn free_uids(&self, arrivals: &[Arrival]) -> Vec<Option<Uid>> {
        let view = self.mailbox.view();
        let is_free = |uid: &Uid| *uid < self.import.reserved && view.position(*uid).is_none();
        arrivals.iter().map(|it| it.uid.map(Uid).filter(is_free)).collect()
    }

    /// Those that are not in the index by now.
    fn without_known(&self, arrivals: Vec<Arrival>) -> Vec<Arrival> {
        let files = self.mailbox.view().files.clone();
        let names: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let (known, rest): (Vec<_>, Vec<_>) = arrivals.into_iter().partition(|it| names.contains(it.placed.name().as_str()));
        // Their files are those of the messages that are in the index.
        known.into_iter().for_each(|it| it.placed.leave());
        rest
    }

    /// Gives messages that were brought before the flags that they have there by now, but for those that somebody has changed here; how
    /// many got others.
    pub async fn follow_flags(&mut self, there: &[(FileName, Flags)]) -> Result<u64, Refusal> {
        let mut by_flags: HashMap<Flags, Vec<Uid>> = HashMap::new();
        {
            let view = self.mailbox.view();
            for (name, flags) in there {
                let message = self.known.get(name).and_then(|&uid| view.get(uid));
                if let Some((message, _)) = message.filter(|(message, _)| message.flags != *flags && message.modseq <= self.import.modseq) {
                    by_flags.entry(*flags).or_default().push(message.uid);
                }
            }
        }
        let mut count = 0_u64;
        for (flags, mut uids) in by_flags {
            uids.sort_unstable();
            let (stored, _) = self
                .mailbox
                .store(&uids, FlagChange::Replace(flags), Some(self.import.modseq))
                .await?;
            count = count.saturating_add(stored.len() as u64);
            self.changed = true;
        }
        Ok(count)
    }

    /// The end of a folder: stores how far it has come. Messages up to `seen` (a UID there) are no longer \Recent.
    pub async fn finish(mut self, seen: Option<u32>) -> Result<(), Refusal> {
        if self.changed {
            self.import.modseq = self.mailbox.highest_modseq();
        }
        self.import.failed = text(&self.failed);
        let mut tx = self.mailbox.house.ledger.database.write().await?;
        imports::put(&mut tx, self.mailbox.id, &self.import).await?;
        let recent_from = seen.filter(|_| self.keeps_uids()).map(|uid| Uid(uid.saturating_add(1)));
        if let Some(from) = recent_from.filter(|from| *from > self.mailbox.view().counters.recent_from) {
            mailboxes::set_recent(&mut tx, self.mailbox.id, from).await?;
        }
        Ok(tx.commit().await?)
    }
}

type Taken = (Parcel, Result<(u64, Timestamp), store::Error>);

fn take_in(maildir: &Maildir, parcel: Parcel, (carriage, owner): (Carriage, Option<Owner>)) -> Taken {
    let facts = maildir.take_in(&parcel.from, (&parcel.name, parcel.flags), carriage, owner);
    let taken = facts.map(|facts| (facts.size, date(facts.modified)));
    (parcel, taken)
}

fn date(modified: SystemTime) -> Timestamp {
    Timestamp::try_from(modified).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn digest(source: &str) -> String {
    Sha256::digest(source.as_bytes())
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect()
}

/// The set as it is stored. Those that find no room are not tried again.
fn text(failed: &BTreeSet<u32>) -> String {
    let mut text = String::new();
    for uid in failed {
        if text.len() >= MAX_FAILED {
            break;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&uid.to_string());
    }
    text
}

fn numbers(text: &str) -> impl Iterator<Item = u32> {
    text.split(',').filter_map(|number| number.parse().ok())
}
