//! A change of the directory: a transaction that all nodes hear of.

use super::{Departure, Directory, Inner};
use crate::model::ids::UserId;
use crate::store::{self, db::Tx};

/// A change under way. Dropped without [`Change::commit`], it never happened.
pub(in crate::mail) struct Change<'d> {
    pub(in crate::mail) tx: Tx,
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

impl Directory {
    /// Begins a change of what others keep with users, such as their filters.
    pub(in crate::mail) async fn change(&self) -> Result<Change<'_>, store::Error> {
        self.inner.change().await
    }
}

impl Change<'_> {
    /// Stores it and drops what was kept in memory. Nobody who asks after this gets an answer from before.
    pub(in crate::mail) async fn commit(self) -> Result<(), store::Error> {
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
