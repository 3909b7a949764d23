//! Annotations of mailboxes and of the server (RFC 5464): names such as `/private/comment` with values.
//!
//! What is below `/private` belongs to the user, what is below `/shared` to everybody who sees the mailbox.

use std::collections::BTreeMap;

use super::Mailboxes;
use super::watch::Watched;
use crate::model::account::User;
use crate::model::ids::{MailboxId, UserId};
use crate::model::refusal::Refusal;
use crate::store::db::messages;
use crate::store::db::metadata::{self, Shelf};

/// What has annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Annotated {
    /// The server.
    Server,
    /// A mailbox.
    Mailbox(MailboxId),
}

/// The annotations that a user sees, each with a number that differs after each change.
pub type AnnotationVersions = BTreeMap<(Annotated, String), i64>;

impl Annotated {
    fn id(self) -> MailboxId {
        match self {
            Self::Server => MailboxId(0),
            Self::Mailbox(id) => id,
        }
    }

    /// Where the entry of this name is kept for a user.
    fn shelf(self, user: &User, entry: &str) -> Shelf {
        let user = if entry.starts_with("/private/") { user.id } else { UserId(0) };
        Shelf { mailbox: self.id(), user }
    }
}

impl Mailboxes {
    /// The entries that the user sees, with the octets of their values, by name.
    pub async fn annotations(&self, user: &User, of: Annotated) -> Result<Vec<(String, u64)>, Refusal> {
        let mut tx = self.inner.ledger.database.read().await?;
        let mut entries = metadata::list(&mut tx, of.shelf(user, "/private/")).await?;
        entries.extend(metadata::list(&mut tx, of.shelf(user, "/shared/")).await?);
        Ok(entries)
    }

    /// The value of an entry.
    pub async fn annotation(&self, user: &User, of: Annotated, entry: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let mut tx = self.inner.ledger.database.read().await?;
        Ok(metadata::find(&mut tx, of.shelf(user, entry), entry).await?)
    }

    /// Gives entries values, or removes those with none: all or nothing. [`Refusal::LimitReached`] if there would be more than `most`
    /// private or shared ones.
    pub async fn annotate(&self, user: &User, of: Annotated, changes: &[(String, Option<Vec<u8>>)], most: usize) -> Result<(), Refusal> {
        let mut tx = self.inner.ledger.database.write().await?;
        for (entry, value) in changes {
            let shelf = of.shelf(user, entry);
            match value {
                Some(value) => metadata::set(&mut tx, shelf, entry, value).await?,
                None => metadata::remove(&mut tx, shelf, entry).await?,
            }
        }
        for shelf in ["/private/", "/shared/"].map(|begin| of.shelf(user, begin)) {
            if metadata::list(&mut tx, shelf).await?.len() > most {
                return Err(Refusal::LimitReached(format!("there may be {most} annotations")));
            }
        }
        let Annotated::Mailbox(id) = of else {
            return Ok(tx.commit().await?);
        };
        // RFC 7162 §3.2: an annotation is a change of its mailbox.
        messages::advance(&mut tx, id, 0, 0).await?;
        tx.commit().await?;
        if let Some(mailbox) = self.inner.open_view(id) {
            mailbox.catch_up().await?;
        }
        self.inner.watches.wake(Watched::Messages(id));
        Ok(())
    }

    /// What the user sees of annotations at this moment.
    pub async fn annotation_versions(&self, user: &User) -> Result<AnnotationVersions, Refusal> {
        let mut tx = self.inner.ledger.database.read().await?;
        let of = |id: MailboxId| match id {
            MailboxId(0) => Annotated::Server,
            id => Annotated::Mailbox(id),
        };
        let versions = metadata::versions(&mut tx, user.id).await?;
        Ok(versions
            .into_iter()
            .map(|(id, entry, version)| ((of(id), entry), version))
            .collect())
    }
}
