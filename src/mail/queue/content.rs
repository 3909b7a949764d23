//! Where the octets of a queued message are.

use std::path::PathBuf;

use bytes::Bytes;

use super::Queue;
use crate::model::ids::MailId;
use crate::store;
use crate::store::db::queue as rows;

/// The most octets of a message that are kept beside its row in the ledger: what many senders enter at the same moment is on stable
/// storage with one sync, and there is no file to be made, synced, read and removed. Larger ones would make the database grow for little.
pub const MOST_BESIDE: usize = 32_768;

/// The octets of a queued message.
#[derive(Debug, Clone)]
pub enum Content {
    /// All of them: they are few.
    Octets(Bytes),
    /// They lie in the spool.
    File(PathBuf),
}

impl Queue {
    /// The octets of a message, or where they lie.
    pub async fn content(&self, id: MailId) -> Result<Content, store::Error> {
        let mut tx = self.inner.database.read().await?;
        Ok(self.content_of(id, rows::content(&mut tx, id).await?))
    }

    pub(super) fn content_of(&self, id: MailId, octets: Option<Vec<u8>>) -> Content {
        match octets {
            Some(octets) => Content::Octets(octets.into()),
            None => Content::File(self.file(id)),
        }
    }
}
