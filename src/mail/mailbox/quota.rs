//! How much a user has and may have, and the maildrop lock.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use moka::sync::Cache;
use serde_json::json;

use super::{Mailbox, Mailboxes, Owner, locked};
use crate::model::account::User;
use crate::model::event::EventKind;
use crate::model::ids::{Uid, UserId};
use crate::model::refusal::Refusal;
use crate::store::db::{mailboxes, users};

/// How often it is told that the mailboxes of a user are full, and of how many users this is remembered.
const TELL_EVERY: Duration = Duration::from_hours(1);
const MOST_TOLD: u64 = 100_000;

/// What the mailboxes of a user hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Octets.
    pub bytes: u64,
    /// Messages.
    pub messages: u64,
}

/// What the mailboxes of a user may hold together; none is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Limits {
    bytes: Option<u64>,
    messages: Option<u64>,
}

impl From<&User> for Limits {
    fn from(user: &User) -> Self {
        Self {
            bytes: user.quota_bytes,
            messages: user.quota_messages,
        }
    }
}

/// Whose full mailboxes were told of a moment ago.
pub(super) struct Told(Cache<(UserId, EventKind), ()>);

impl Default for Told {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST_TOLD).time_to_live(TELL_EVERY).build())
    }
}

/// Held by a POP3 session (RFC 1939 §8); let go when dropped.
pub struct MaildropLock {
    held: Arc<Mutex<HashSet<UserId>>>,
    user: UserId,
}

impl Drop for MaildropLock {
    fn drop(&mut self) {
        locked(&self.held).remove(&self.user);
    }
}

impl Mailboxes {
    /// What the user's mailboxes hold.
    pub async fn usage(&self, user: &User) -> Result<Usage, Refusal> {
        self.inner.usage(user.id).await
    }

    /// What the mailboxes of each of these users hold; who has none is not in it.
    pub async fn usage_of(&self, users: &[UserId]) -> Result<HashMap<UserId, Usage>, Refusal> {
        let mut tx = self.inner.ledger.database.read().await?;
        let sums = mailboxes::usage_of(&mut tx, users).await?;
        Ok(sums
            .into_iter()
            .map(|(user, messages, bytes)| (user, Usage { bytes, messages }))
            .collect())
    }

    /// Whether `bytes` more octets in `messages` more messages fit: [`Refusal::OverQuota`] if not.
    pub async fn check_quota(&self, user: &User, bytes: u64, messages: u64) -> Result<(), Refusal> {
        self.inner.check_limits((&Owner::from(user), user.into()), bytes, messages).await
    }

    /// The maildrop lock of the user; none if another session has it.
    pub fn lock_maildrop(&self, user: UserId) -> Option<MaildropLock> {
        let held = Arc::clone(&self.inner.maildrops);
        let free = locked(&held).insert(user);
        free.then(|| MaildropLock { held, user })
    }
}

impl Mailbox {
    /// Whether `bytes` more octets in `messages` more messages fit, when one message goes in their stead: [`Refusal::OverQuota`] if not.
    pub async fn check_room(&self, bytes: u64, messages: u64, goes: Option<(Uid, &Self)>) -> Result<(), Refusal> {
        let owner = self.home().owner.clone();
        let gone = goes.filter(|(_, from)| from.home().owner.id == owner.id);
        let gone = gone.and_then(|(uid, from)| Some(from.view().get(uid)?.0.size));
        let (bytes, messages) = match gone {
            Some(size) => (bytes.saturating_sub(size), messages.saturating_sub(1)),
            None => (bytes, messages),
        };
        self.house.check_quota(&owner, bytes, messages).await
    }
}

impl super::Inner {
    async fn usage(&self, user: UserId) -> Result<Usage, Refusal> {
        let mut tx = self.ledger.database.read_alone().await?;
        let parts = mailboxes::usage(&mut tx, user).await?;
        Ok(parts.iter().fold(Usage::default(), |sum, (messages, bytes)| Usage {
            bytes: sum.bytes + bytes,
            messages: sum.messages + messages,
        }))
    }

    /// The same for who holds a mailbox open, perhaps for days: by the limits that its owner has now.
    pub(super) async fn check_quota(&self, owner: &Owner, bytes: u64, messages: u64) -> Result<(), Refusal> {
        let mut tx = self.ledger.database.read_alone().await?;
        let limits = users::limits(&mut tx, owner.id).await?;
        drop(tx);
        let (bytes_limit, messages_limit) = limits.unwrap_or_default();
        let limits = Limits {
            bytes: bytes_limit,
            messages: messages_limit,
        };
        self.check_limits((owner, limits), bytes, messages).await
    }

    async fn check_limits(&self, (owner, limits): (&Owner, Limits), bytes: u64, messages: u64) -> Result<(), Refusal> {
        if limits == Limits::default() {
            return Ok(());
        }
        let usage = self.usage(owner.id).await?;
        let over = |used: u64, more: u64, most: Option<u64>| most.is_some_and(|most| used.saturating_add(more) > most);
        if over(usage.bytes, bytes, limits.bytes) || over(usage.messages, messages, limits.messages) {
            self.tell_quota(EventKind::QuotaExceeded, owner, usage, limits);
            return Err(Refusal::OverQuota(owner.login.clone()));
        }
        let nearly = |most: Option<u64>| most.map(|most| most / 10 * 9);
        if over(usage.bytes, bytes, nearly(limits.bytes)) || over(usage.messages, messages, nearly(limits.messages)) {
            self.tell_quota(EventKind::QuotaNear, owner, usage, limits);
        }
        Ok(())
    }

    /// Tells it, once in a while.
    fn tell_quota(&self, kind: EventKind, owner: &Owner, usage: Usage, limits: Limits) {
        if self.quotas_told.0.get(&(owner.id, kind)).is_some() {
            return;
        }
        self.quotas_told.0.insert((owner.id, kind), ());
        let mut data = json!({ "user": owner.login, "used_bytes": usage.bytes, "used_messages": usage.messages });
        if let Some(fields) = data.as_object_mut() {
            fields.extend(limits.bytes.map(|most| ("quota_bytes".to_owned(), json!(most))));
            fields.extend(limits.messages.map(|most| ("quota_messages".to_owned(), json!(most))));
        }
        self.ground.events.tell_of_user(kind, &owner.login, data);
    }
}
