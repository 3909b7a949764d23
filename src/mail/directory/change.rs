//! A change of the directory: a transaction that all nodes hear of.

use super::{Departure, Inner};
use crate::model::ids::UserId;
use crate::store::{self, db::Tx};

/// A change under way. Dropped without [`Change::commit`], it never happened.
pub(super) struct Change<'d> {
    pub(super) tx: Tx,
    version: i64,
    /// Whose logins end with it.
    pub(super) ended: Vec<UserId>,
    inner: &'d Inner,
}

impl Inner {
    /// Begins a change, when nobody else makes one.
    pub(super) async fn change(&self) -> Result<Change<'_>, store::Error> {
        let mut tx = self.database.write().await?;
        let version = store::db::settings::bump_directory_version(&mut tx).await?;
        Ok(Change {
            tx,
            version,
            ended: Vec::new(),
            inner: self,
        })
    }
}

impl Change<'_> {
    /// Stores it and drops what was kept in memory. Nobody who asks after this gets an answer from before.
    pub(super) async fn commit(self) -> Result<(), store::Error> {
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
