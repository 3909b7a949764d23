//! Bans and entries of lists, as the operator sees and changes them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Defence, Inner};
use crate::mail::audit;
use crate::mail::directory::Page;
use crate::model::access::{AccessEntry, AccessList, Ban, Subject};
use crate::model::audit::{Deed, Resource};
use crate::model::clock;
use crate::model::network::Network;
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::{Tx, access_lists, audit as audit_log, bans};

/// The most items of a page.
const MAX_PAGE: usize = 1_000;

/// The widest networks that can be banned or blocked: what is wider would be half of the world, and most likely a slip of a finger.
const WIDEST: [u8; 2] = [8, 16];

/// A ban to be made.
#[derive(Debug, Clone)]
pub struct NewBan {
    /// Whose.
    pub network: Network,
    /// Why.
    pub reason: String,
    /// Until when; none: until somebody lifts it.
    pub ends_at: Option<Timestamp>,
}

/// An entry to be made.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Whom it is about.
    pub subject: Subject,
    /// What the operator notes on it.
    pub note: String,
    /// Until when it holds; none: until it is removed.
    pub ends_at: Option<Timestamp>,
}

impl Defence {
    /// A page of the bans that hold.
    pub async fn bans(&self, after: Option<&str>, limit: usize) -> Result<Page<Ban>, Refusal> {
        let limit = limit.clamp(1, MAX_PAGE);
        let mut tx = self.inner.database.read().await?;
        let found = bans::page(&mut tx, after.unwrap_or_default(), self.inner.clock.now_ms(), one_more(limit)).await?;
        Ok(page(found, limit, |ban| ban.network.to_string()))
    }

    /// The ban of exactly this network. Errors: NotFound.
    pub async fn ban(&self, network: Network) -> Result<Ban, Refusal> {
        let mut tx = self.inner.database.read().await?;
        let found = bans::find(&mut tx, network).await?;
        found.filter(|ban| self.is_on(ban.ends_at)).ok_or_else(|| no_ban(network))
    }

    /// Bans a network. Errors: Exists, Invalid.
    pub async fn add_ban(&self, new: NewBan) -> Result<Ban, Refusal> {
        self.check(Some(new.network), new.ends_at)?;
        let mut tx = self.inner.database.write().await?;
        bans::bump_version(&mut tx).await?;
        let before = bans::find(&mut tx, new.network).await?;
        let times = match &before {
            Some(ban) if self.is_on(ban.ends_at) => {
                return Err(Refusal::Exists {
                    what: "ban",
                    name: new.network.to_string(),
                });
            }
            Some(ban) => ban.times.saturating_add(1),
            None => 1,
        };
        let ban = Ban {
            network: new.network,
            reason: new.reason,
            is_automatic: false,
            times,
            created_at: self.now(),
            ends_at: new.ends_at,
        };
        bans::put(&mut tx, &ban).await?;
        self.note(&mut tx, Deed::BanCreated, banned(new.network), (None, Some(shown_ban(&ban))))
            .await?;
        tx.commit().await?;
        self.settle(new.network).await;
        Ok(ban)
    }

    /// Lifts a ban, and forgets that there was one. Errors: NotFound.
    pub async fn remove_ban(&self, network: Network) -> Result<(), Refusal> {
        let mut tx = self.inner.database.write().await?;
        bans::bump_version(&mut tx).await?;
        let found = bans::find(&mut tx, network).await?;
        let ban = found.filter(|ban| self.is_on(ban.ends_at)).ok_or_else(|| no_ban(network))?;
        bans::delete(&mut tx, network).await?;
        self.note(&mut tx, Deed::BanRemoved, banned(network), (Some(shown_ban(&ban)), None))
            .await?;
        tx.commit().await?;
        self.settle(network).await;
        Ok(())
    }

    /// A page of the entries of a list that hold.
    pub async fn entries(&self, list: AccessList, after: Option<&str>, limit: usize) -> Result<Page<AccessEntry>, Refusal> {
        let limit = limit.clamp(1, MAX_PAGE);
        let mut tx = self.inner.database.read().await?;
        let from = (after.unwrap_or_default(), self.inner.clock.now_ms());
        let found = access_lists::page(&mut tx, list, from, one_more(limit)).await?;
        Ok(page(found, limit, |entry| entry.subject.to_string()))
    }

    /// An entry. Errors: NotFound.
    pub async fn entry(&self, list: AccessList, subject: &Subject) -> Result<AccessEntry, Refusal> {
        let mut tx = self.inner.database.read().await?;
        let found = access_lists::find(&mut tx, list, subject).await?;
        found
            .filter(|entry| self.is_on(entry.ends_at))
            .ok_or_else(|| no_entry(list, subject))
    }

    /// Adds an entry. Errors: Exists, Invalid.
    pub async fn add_entry(&self, list: AccessList, new: NewEntry) -> Result<AccessEntry, Refusal> {
        let refused = match new.subject {
            Subject::Network(network) if list == AccessList::Block => Some(network),
            _ => None,
        };
        self.check(refused, new.ends_at)?;
        let mut tx = self.inner.database.write().await?;
        bans::bump_version(&mut tx).await?;
        let before = access_lists::find(&mut tx, list, &new.subject).await?;
        if before.is_some_and(|entry| self.is_on(entry.ends_at)) {
            let (what, name) = (kind(list), new.subject.to_string());
            return Err(Refusal::Exists { what, name });
        }
        let entry = AccessEntry {
            subject: new.subject,
            note: new.note,
            created_at: self.now(),
            ends_at: new.ends_at,
        };
        access_lists::put(&mut tx, list, &entry).await?;
        let deed = match list {
            AccessList::Block => Deed::BlocklistEntryCreated,
            AccessList::Allow => Deed::AllowlistEntryCreated,
        };
        self.note(&mut tx, deed, listed(list, &entry), (None, Some(shown_entry(&entry))))
            .await?;
        tx.commit().await?;
        self.reread().await;
        Ok(entry)
    }

    /// Removes an entry. Errors: NotFound.
    pub async fn remove_entry(&self, list: AccessList, subject: &Subject) -> Result<(), Refusal> {
        let mut tx = self.inner.database.write().await?;
        bans::bump_version(&mut tx).await?;
        let found = access_lists::find(&mut tx, list, subject).await?;
        let found = found.filter(|entry| self.is_on(entry.ends_at));
        let entry = found.ok_or_else(|| no_entry(list, subject))?;
        access_lists::delete(&mut tx, list, subject).await?;
        let deed = match list {
            AccessList::Block => Deed::BlocklistEntryRemoved,
            AccessList::Allow => Deed::AllowlistEntryRemoved,
        };
        self.note(&mut tx, deed, listed(list, &entry), (Some(shown_entry(&entry)), None))
            .await?;
        tx.commit().await?;
        self.reread().await;
        Ok(())
    }

    /// What is asked of a network that is refused, and of a moment at which something ends.
    fn check(&self, refused: Option<Network>, ends_at: Option<Timestamp>) -> Result<(), Refusal> {
        let [v4, v6] = WIDEST;
        if let Some(network) = refused
            && network.bits() < if network.is_ipv4() { v4 } else { v6 }
        {
            let problem = format!("{network} is too wide; right would be at most /{v4}, of IPv6 /{v6}");
            return Err(Refusal::Invalid { field: "network", problem });
        }
        if !self.is_on(ends_at) {
            let problem = "it has passed already".to_owned();
            return Err(Refusal::Invalid {
                field: "expires_at",
                problem,
            });
        }
        Ok(())
    }

    /// Has it in the audit log what was done.
    async fn note(&self, tx: &mut Tx, deed: Deed, resource: Resource, states: (Option<Value>, Option<Value>)) -> Result<(), store::Error> {
        audit_log::insert(tx, &[audit::entry(&self.actor, deed, resource, states)]).await
    }

    fn is_on(&self, ends_at: Option<Timestamp>) -> bool {
        ends_at.is_none_or(|at| at > self.now())
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// From here on the database decides about this network.
    async fn settle(&self, network: Network) {
        self.inner.failures.settle(network);
        self.reread().await;
    }

    /// What was changed here holds here at once; if it cannot be read now, the next look will.
    async fn reread(&self) {
        if let Err(error) = self.inner.read().await {
            tracing::warn!(%error, "bans and lists cannot be read yet");
        }
    }
}

impl Inner {
    /// Writes down that a network is banned, for the longer the more often it was; nothing if it is already.
    pub(super) async fn write_ban(&self, network: Network, reason: &str) -> Result<(), store::Error> {
        let now = self.clock.now_ms();
        let mut tx = self.database.write().await?;
        bans::bump_version(&mut tx).await?;
        let before = bans::find(&mut tx, network).await?;
        let is_over = |ban: &Ban| ban.ends_at.is_some_and(|at| at.as_millisecond() <= now);
        let times = match &before {
            Some(ban) if !is_over(ban) => return Ok(()),
            Some(ban) => ban.times.saturating_add(1),
            None => 1,
        };
        let doublings = times.saturating_sub(1).min(30);
        let seconds = self.settings.ban_seconds.saturating_mul(1 << doublings);
        let seconds = seconds.min(self.settings.max_ban_seconds.max(self.settings.ban_seconds));
        let length = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        let since = clock::timestamp(now);
        let ban = Ban {
            network,
            reason: reason.into(),
            is_automatic: true,
            times,
            created_at: since,
            ends_at: Some(since.saturating_add(length).unwrap_or(Timestamp::MAX)),
        };
        bans::put(&mut tx, &ban).await?;
        tx.commit().await?;
        self.read().await?;
        self.failures.settle(network);
        Ok(())
    }
}

fn one_more(limit: usize) -> i64 {
    i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX)
}

fn page<T>(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { items.last().map(key) } else { None };
    Page { items, next }
}

fn banned(network: Network) -> Resource {
    Resource::of_server("bans", network)
}

fn listed(list: AccessList, entry: &AccessEntry) -> Resource {
    Resource::of_server(list.as_str(), &entry.subject)
}

fn shown_ban(ban: &Ban) -> Value {
    let mut shown = json!({ "reason": ban.reason, "automatic": ban.is_automatic });
    if let (Some(at), Some(fields)) = (ban.ends_at, shown.as_object_mut()) {
        fields.insert("expires_at".to_owned(), json!(at.to_string()));
    }
    shown
}

fn shown_entry(entry: &AccessEntry) -> Value {
    let mut shown = json!({ "note": entry.note });
    if let (Some(at), Some(fields)) = (entry.ends_at, shown.as_object_mut()) {
        fields.insert("expires_at".to_owned(), json!(at.to_string()));
    }
    shown
}

fn no_ban(network: Network) -> Refusal {
    Refusal::NotFound {
        what: "ban",
        name: network.to_string(),
    }
}

fn kind(list: AccessList) -> &'static str {
    match list {
        AccessList::Block => "entry of the blocklist",
        AccessList::Allow => "entry of the allowlist",
    }
}

fn no_entry(list: AccessList, subject: &Subject) -> Refusal {
    Refusal::NotFound {
        what: kind(list),
        name: subject.to_string(),
    }
}
