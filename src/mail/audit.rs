//! The audit log: who changed what, when, from where, with what was there before and after.
//!
//! The directory, the keys that sign mail and the filters write their entries in the transaction of the change itself; what is done with
//! the queue, with mailboxes and with their rights is written right after it. No entry has a password, a hash, a key or a token.
//! Entries are kept for `audit.keep_days`.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::directory::{MOST_OF_PAGE, Page};
use crate::config;
use crate::model::account::{Alias, ApiKey, DomainRecord, User};
use crate::model::address::Domain;
use crate::model::audit::{Actor, AuditEntry, Deed, Resource};
use crate::model::clock::Clock;
use crate::model::dkim::DkimKey;
use crate::model::ids::AuditId;
use crate::model::labels::Labels;
use crate::model::login::{AppPassword, Protocol};
use crate::model::queue::{QueueFilter, RecipientState, Steering};
use crate::model::refusal::Refusal;
use crate::model::rights::{Rights, RightsChange};
use crate::model::scope::Scope;
use crate::store;
use crate::store::db::{Database, audit as rows};

/// How often what is too old is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(600);
/// How many entries are forgotten at a time.
const FORGET_AT_ONCE: i64 = 1_000;

/// Which entries are asked for. What is `None` picks all.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this actor: a login, the name of a key, or the id of either.
    pub actor: Option<String>,
    /// With this thing, by its path, such as `users/alice@example.test`; or with a part of it.
    pub resource: Option<String>,
    /// Of this kind.
    pub deed: Option<Deed>,
    /// With things of these domains.
    pub domains: Option<Vec<Domain>>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// The audit log. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    keep_days: u64,
    clock: Clock,
}

impl Audit {
    /// Opens the log.
    pub fn open(database: Database, settings: &config::Audit, clock: Clock) -> Self {
        let keep_days = settings.keep_days;
        let inner = Inner {
            database,
            keep_days,
            clock,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Writes down what was done a moment ago. It was done even if this fails, so that is only logged.
    pub async fn note(&self, actor: &Actor, deed: Deed, resource: Resource, (before, after): (Option<Value>, Option<Value>)) {
        if before.is_some() && before == after {
            return;
        }
        let entry = entry(actor, deed, resource, (before, after));
        let written = async {
            let mut tx = self.inner.database.write().await?;
            rows::insert(&mut tx, std::slice::from_ref(&entry)).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            let (deed, resource) = (entry.deed, &entry.resource);
            tracing::error!(%error, %deed, %resource, actor = actor.name, "a change is not in the audit log");
        }
    }

    /// Writes down what somebody may do with a mailbox of `owner`.
    pub async fn note_rights(&self, actor: &Actor, owner: &User, change: &RightsChange) {
        let deed = match change.after {
            Some(_) => Deed::RightsSet,
            None => Deed::RightsRemoved,
        };
        let (mailbox, other) = (change.mailbox, &change.identifier);
        let resource = Resource::user(&owner.login).part("mailboxes", format_args!("{mailbox}/rights/{other}"));
        let shown = |rights: Option<Rights>| rights.map(|rights| json!({ "rights": rights.letters() }));
        if change.before != change.after {
            let states = (shown(change.before), shown(change.after));
            self.note(actor, deed, resource, states).await;
        }
    }

    /// Writes down what was done with so many recipients of queued mail that a filter picked.
    pub async fn note_steering(&self, actor: &Actor, filter: &QueueFilter, steering: Steering, recipients: u64) {
        if recipients == 0 {
            return;
        }
        let deed = match steering {
            Steering::Hold => Deed::QueueHeld,
            Steering::Release => Deed::QueueReleased,
            Steering::Retry => Deed::QueueRetried,
            Steering::Expire => Deed::QueueExpired,
            Steering::Remove => Deed::QueueRemoved,
        };
        let resource = match filter.id {
            Some(id) => Resource::of_server("queue", id),
            None => Resource {
                name: "queue".to_owned(),
                part: None,
                domain: None,
            },
        };
        let picked = without_nulls(json!({
            "sender": filter.sender.as_ref().map(ToString::to_string),
            "sender_domain": filter.sender_domain.as_ref().map(Domain::as_str),
            "recipient": filter.recipient.as_ref().map(ToString::to_string),
            "recipient_domain": filter.recipient_domain.as_ref().map(Domain::as_str),
            "state": filter.state.map(RecipientState::name),
            "queued_before": filter.before.map(|at| at.to_string()),
            "error": filter.error,
            "recipients": recipients,
        }));
        self.note(actor, deed, resource, (None, Some(picked))).await;
    }

    /// A page of the log, the newest first. Errors: TryLater.
    pub async fn list(&self, filter: &AuditFilter, before: Option<AuditId>, limit: usize) -> Result<Page<AuditEntry>, Refusal> {
        let limit = limit.clamp(1, MOST_OF_PAGE);
        let until = filter.until.map(AuditId::earliest);
        let which = rows::Which {
            actor: filter.actor.clone(),
            resource: filter.resource.as_deref().map(thing_and_part),
            deed: filter.deed,
            domains: filter.domains.clone(),
            since: filter.since.map(AuditId::earliest),
            before: before.into_iter().chain(until).min(),
        };
        let mut tx = self.inner.database.read_alone().await?;
        let one_more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
        let mut items = rows::page(&mut tx, &which, one_more).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more {
            items.last().map(|entry| entry.id.to_string())
        } else {
            None
        };
        Ok(Page { items, next })
    }

    /// Works until `cancel`: forgets what is old.
    pub async fn run(self, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            if let Err(error) = self.forget(&cancel).await {
                tracing::error!(%error, "old entries of the audit log cannot be forgotten");
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(FORGET_EVERY) => {}
            }
        }
    }

    async fn forget(&self, cancel: &CancellationToken) -> Result<(), store::Error> {
        let days = i64::try_from(self.inner.keep_days).unwrap_or(i64::MAX);
        let kept = SignedDuration::from_hours(days.saturating_mul(24));
        let first = AuditId::earliest(self.inner.clock.now().saturating_sub(kept).unwrap_or(Timestamp::MIN));
        while !cancel.is_cancelled() {
            let mut tx = self.inner.database.write().await?;
            let more = rows::forget(&mut tx, first, FORGET_AT_ONCE).await?;
            tx.commit().await?;
            if !more {
                break;
            }
        }
        Ok(())
    }
}

/// An entry of this moment.
pub(in crate::mail) fn entry(actor: &Actor, deed: Deed, resource: Resource, (before, after): (Option<Value>, Option<Value>)) -> AuditEntry {
    AuditEntry {
        id: AuditId::fresh(),
        actor: actor.clone(),
        deed,
        resource,
        before,
        after,
    }
}

/// The first two parts of a path name a thing, the rest a part of it.
fn thing_and_part(path: &str) -> (String, Option<String>) {
    let path = path.trim_matches('/');
    match path.match_indices('/').nth(1) {
        Some((at, _)) => {
            let (thing, part) = path.split_at(at);
            (thing.to_owned(), Some(part.trim_start_matches('/').to_owned()))
        }
        None => (path.to_owned(), None),
    }
}

/// A thing as the log shows it: what may be seen of it, in the words of the API. What it has not is absent.
pub(in crate::mail) trait Shown {
    /// The document.
    fn shown(&self) -> Option<Value>;
}

impl Shown for DomainRecord {
    fn shown(&self) -> Option<Value> {
        with_labels(
            &self.labels,
            json!({
                "domain": self.domain.as_str(),
                "alias_of": self.alias_of.as_ref().map(Domain::as_str),
                "enabled": self.enabled,
                "description": self.description,
            }),
        )
    }
}

impl Shown for User {
    fn shown(&self) -> Option<Value> {
        with_labels(
            &self.labels,
            json!({
                "address": self.login,
                "display_name": self.display_name,
                "role": self.role.as_str(),
                "enabled": self.enabled,
                "quota_bytes": self.quota_bytes,
                "quota_messages": self.quota_messages,
                "junk_days": self.retention.junk_days,
                "trash_days": self.retention.trash_days,
            }),
        )
    }
}

impl Shown for Alias {
    fn shown(&self) -> Option<Value> {
        let destinations: Vec<String> = self.destinations.iter().map(ToString::to_string).collect();
        with_labels(
            &self.labels,
            json!({
                "address": self.address.to_string(),
                "destinations": destinations,
                "enabled": self.enabled,
                "description": self.description,
                "expires_at": self.expires_at.map(|at| at.to_string()),
            }),
        )
    }
}

impl Shown for ApiKey {
    fn shown(&self) -> Option<Value> {
        let domains: Vec<&str> = self.domains.iter().map(Domain::as_str).collect();
        let scopes: Vec<&str> = self.scopes.iter().copied().map(Scope::as_str).collect();
        Some(without_nulls(json!({
            "name": self.name,
            "role": self.role.as_str(),
            "scopes": scopes,
            "domains": domains,
            "expires_at": self.expires_at.map(|at| at.to_string()),
        })))
    }
}

impl Shown for AppPassword {
    fn shown(&self) -> Option<Value> {
        let protocols: Vec<&str> = self.protocols.iter().copied().map(Protocol::as_str).collect();
        Some(without_nulls(json!({
            "name": self.name,
            "protocols": protocols,
            "expires_at": self.expires_at.map(|at| at.to_string()),
        })))
    }
}

impl Shown for DkimKey {
    fn shown(&self) -> Option<Value> {
        Some(json!({
            "selector": self.selector.to_string(),
            "algorithm": self.algorithm.name(),
            "state": self.state.name(),
        }))
    }
}

fn with_labels(labels: &Labels, mut document: Value) -> Option<Value> {
    if let Some(fields) = document.as_object_mut() {
        fields.insert("metadata".to_owned(), json!(labels.metadata));
        fields.insert("tags".to_owned(), json!(labels.tags));
    }
    Some(without_nulls(document))
}

fn without_nulls(mut document: Value) -> Value {
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    document
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn a_path_names_a_thing_and_perhaps_a_part() {
        let read = |path: &str| {
            let (thing, part) = thing_and_part(path);
            (thing, part.unwrap_or_default())
        };
        for (path, thing, part) in [
            ("users/ada@house.test", "users/ada@house.test", ""),
            ("/users/ada@house.test/", "users/ada@house.test", ""),
            ("users/ada@house.test/sieve/main", "users/ada@house.test", "sieve/main"),
            ("users", "users", ""),
            ("", "", ""),
        ] {
            assert_eq!(read(path), (thing.to_owned(), part.to_owned()), "{path}");
        }
    }

    #[tokio::test]
    async fn what_is_old_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&config::Database::default(), folder.path()).await.unwrap();
        let clock = Arc::new(AtomicI64::new(Timestamp::now().as_millisecond()));
        let audit = Audit::open(database, &config::Audit { keep_days: 1 }, Clock::Manual(Arc::clone(&clock)));
        for name in ["a", "b"] {
            let after = Some(json!({ "name": name }));
            audit
                .note(
                    &Actor::server(),
                    Deed::DomainCreated,
                    Resource::of_server("domains", name),
                    (None, after),
                )
                .await;
        }
        let list = async || audit.list(&AuditFilter::default(), None, 10).await.unwrap().items;
        let found = list().await;
        assert_eq!(
            found.iter().map(|entry| entry.resource.name.as_str()).collect::<Vec<_>>(),
            ["domains/b", "domains/a"]
        );
        let page = audit.list(&AuditFilter::default(), None, 1).await.unwrap();
        assert_eq!(page.next, Some(found[0].id.to_string()));
        let next = audit.list(&AuditFilter::default(), Some(found[0].id), 1).await.unwrap();
        assert_eq!((next.items.as_slice(), next.next), (&found[1..], None));
        audit.forget(&CancellationToken::new()).await.unwrap();
        assert_eq!(list().await.len(), 2);
        clock.fetch_add(86_400_000 + 60_000, Ordering::SeqCst);
        audit.forget(&CancellationToken::new()).await.unwrap();
        assert_eq!(list().await, []);
    }
}
