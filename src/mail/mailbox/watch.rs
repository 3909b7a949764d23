//! Waiting for changes of many mailboxes at once, and seeing what they are.
//!
//! A [`Watcher`] is woken by changes that this process makes; what other nodes do is seen at the next [`Mailboxes::glance`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::Notify;

use super::{Mailboxes, locked};
use crate::model::account::User;
use crate::model::ids::{MailboxId, ModSeq, Uid, UserId};
use crate::model::mailbox::MailboxInfo;
use crate::model::refusal::Refusal;
use crate::model::rights::Rights;
use crate::store::db::{mailboxes, messages};

/// What a watcher waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Watched {
    /// The messages of a mailbox.
    Messages(MailboxId),
    /// Which mailboxes a user has, and how they are called.
    Mailboxes(UserId),
}

/// Who waits for what.
#[derive(Default)]
pub(super) struct Watches {
    waiting: Mutex<HashMap<Watched, Vec<Weak<Notify>>>>,
}

impl Watches {
    /// Something has changed.
    pub(super) fn wake(&self, what: Watched) {
        for bell in locked(&self.waiting).get(&what).into_iter().flatten() {
            if let Some(bell) = bell.upgrade() {
                bell.notify_one();
            }
        }
    }

    fn add(&self, what: Watched, bell: &Arc<Notify>) {
        locked(&self.waiting).entry(what).or_default().push(Arc::downgrade(bell));
    }

    fn remove(&self, what: Watched, bell: &Arc<Notify>) {
        let mut waiting = locked(&self.waiting);
        if let Some(bells) = waiting.get_mut(&what) {
            bells.retain(|known| !std::ptr::eq(known.as_ptr(), Arc::as_ptr(bell)));
            if bells.is_empty() {
                waiting.remove(&what);
            }
        }
    }
}

/// Waits for changes; no longer when dropped.
pub struct Watcher {
    house: Arc<super::Inner>,
    bell: Arc<Notify>,
    watched: Vec<Watched>,
}

impl Watcher {
    /// From here on waits for these.
    pub fn watch(&mut self, mut wanted: Vec<Watched>) {
        wanted.sort_unstable();
        wanted.dedup();
        if wanted == self.watched {
            return;
        }
        for what in &wanted {
            if self.watched.binary_search(what).is_err() {
                self.house.watches.add(*what, &self.bell);
            }
        }
        for what in &self.watched {
            if wanted.binary_search(what).is_err() {
                self.house.watches.remove(*what, &self.bell);
            }
        }
        self.watched = wanted;
    }

    /// Resolves when something of it has changed since the last time.
    pub async fn woken(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.watch(Vec::new());
    }
}

/// A mailbox as the database has it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// What it is to the user: of another user's, the name that it has here.
    pub info: MailboxInfo,
    /// Whose it is.
    pub owner: UserId,
    /// What the user may do with it.
    pub rights: Rights,
    /// The UID that the next message gets.
    pub uid_next: Uid,
    /// How many messages.
    pub messages: u64,
    /// The highest modseq.
    pub modseq: ModSeq,
}

impl Mailboxes {
    /// Somebody who waits for nothing yet.
    pub fn watcher(&self) -> Watcher {
        Watcher {
            house: Arc::clone(&self.inner),
            bell: Arc::default(),
            watched: Vec::new(),
        }
    }

    /// The mailboxes that the user sees, their own by name and then those of others, without opening them.
    pub async fn glance(&self, user: &User) -> Result<Vec<Glance>, Refusal> {
        self.ensure(user).await?;
        let mut tx = self.inner.ledger.database.read().await?;
        let rows = mailboxes::with_messages(&mut tx, user.id).await?;
        drop(tx);
        let own = rows.into_iter().map(|(row, messages)| Glance {
            uid_next: row.counters.uid_next,
            modseq: row.counters.modseq,
            info: row.info,
            owner: user.id,
            rights: Rights::ALL,
            messages,
        });
        let of_others = self.shared(user).await?.into_iter().map(|shared| Glance {
            uid_next: shared.counters.uid_next,
            modseq: shared.counters.modseq,
            info: MailboxInfo {
                name: shared.name,
                subscribed: shared.subscribed,
                // RFC 6154 §2: what it is for, it is for its owner.
                special_use: None,
                ..shared.info
            },
            owner: shared.owner,
            rights: shared.rights,
            messages: shared.messages,
        });
        Ok(own.chain(of_others).collect())
    }

    /// Whether flags of messages that were there changed since the mailbox was as it was then.
    pub async fn have_flags_changed(&self, then: &Glance) -> Result<bool, Refusal> {
        let mut tx = self.inner.ledger.database.read().await?;
        Ok(messages::is_any_changed(&mut tx, then.info.id, then.modseq, then.uid_next).await?)
    }
}
