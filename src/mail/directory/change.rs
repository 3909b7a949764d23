//! A change of the directory: a transaction that all nodes hear of.

use std::sync::Arc;

use serde_json::Value;

use super::{Departure, Directory, Inner};
use crate::mail::audit;
use crate::model::audit::{Actor, AuditEntry, Deed, Resource};
use crate::model::ids::UserId;
use crate::store;
use crate::store::db::{self, Tx};

/// A change under way. Dropped without [`Change::commit`], it never happened.
pub(in crate::mail) struct Change<'d> {
    pub(in crate::mail) tx: Tx,
    version: i64,
    /// Whose logins end with it.
    pub(super) ended: Vec<UserId>,
    /// Who makes it.
    actor: Arc<Actor>,
    /// What is to stand in the audit log.
    noted: Vec<AuditEntry>,
    inner: &'d Inner,
}

impl Inner {
    /// Begins a change by somebody, when nobody else makes one.
    pub(super) async fn change(&self, actor: &Arc<Actor>) -> Result<Change<'_>, store::Error> {
        let mut tx = self.database.write().await?;
        let version = store::db::settings::bump_directory_version(&mut tx).await?;
        Ok(Change {
            tx,
            version,
            ended: Vec::new(),
            actor: Arc::clone(actor),
            noted: Vec::new(),
            inner: self,
        })
    }
}

impl Directory {
    /// Begins a change, also of what others keep with users, such as their filters.
    pub(in crate::mail) async fn change(&self) -> Result<Change<'_>, store::Error> {
        self.inner.change(&self.actor).await
    }
}

impl Change<'_> {
    /// Has it stand in the audit log what was done, with what there was before and is after. Where the two are the same, nothing was done.
    pub(in crate::mail) fn note(&mut self, deed: Deed, resource: Resource, (before, after): (Option<Value>, Option<Value>)) {
        if before.is_none() || before != after {
            self.noted.push(audit::entry(&self.actor, deed, resource, (before, after)));
        }
    }

    /// Stores it and drops what was kept in memory. Nobody who asks after this gets an answer from before.
    pub(in crate::mail) async fn commit(mut self) -> Result<(), store::Error> {
        db::audit::insert(&mut self.tx, &self.noted).await?;
        self.inner.events.write_changes(&mut self.tx, &self.noted).await?;
        let done = self.tx.commit().await;
        // Also after an error: the commit may have been done and only its answer lost.
        self.inner.caches.changed_here(self.version);
        match &done {
            Ok(()) => self.ended.into_iter().for_each(|user| self.inner.announce(Departure::Of(user))),
            Err(_) => self.inner.announce(Departure::Unknown),
        }
        done
    }
}
