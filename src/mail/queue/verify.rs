//! Whether the ledger and the spool agree, without changing either.

use super::Queue;
use crate::mail::mailbox::blocking;
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::queue as rows;

/// So many messages are looked at in one go.
const PORTION: usize = 200;

/// A message of the ledger whose octets are not there as they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lack {
    /// The message.
    pub id: MailId,
    /// Octets that it should have.
    pub size: u64,
    /// Octets that are there; none if there is nothing.
    pub found: Option<u64>,
}

/// Files of the spool that are in no ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loose {
    /// How many are old enough not to be on their way in.
    pub count: u64,
    /// One of them.
    pub example: String,
}

impl Queue {
    /// What is wrong with the queue.
    pub async fn verify(&self) -> Result<(Vec<Lack>, Loose), Refusal> {
        let mut lacks = Vec::new();
        let mut after = None;
        loop {
            let page = rows::sizes(&mut self.inner.database.read().await?, after, PORTION).await?;
            let Some((last, ..)) = page.last() else { break };
            after = Some(*last);
            for (id, size, beside) in page {
                let found = match beside {
                    Some(octets) => Some(octets),
                    None => self.octets_in_spool(id).await?,
                };
                // What has been delivered since lacks nothing.
                if found != Some(size) && rows::is_known(&mut self.inner.database.read().await?, id).await? {
                    lacks.push(Lack { id, size, found });
                }
            }
        }
        Ok((lacks, self.loose().await?))
    }

    async fn octets_in_spool(&self, id: MailId) -> Result<Option<u64>, store::Error> {
        let path = self.file(id);
        blocking(move || Ok(path.metadata().ok().map(|metadata| metadata.len()))).await
    }

    async fn loose(&self) -> Result<Loose, store::Error> {
        let directory = self.inner.spool.queue_dir();
        let list = move || super::clean::old_files(&directory).map_err(|source| store::Error::File { path: directory, source });
        let mut loose = Loose::default();
        for (id, path) in blocking(list).await? {
            if !rows::is_known(&mut self.inner.database.read().await?, id).await? {
                loose.count = loose.count.saturating_add(1);
                loose.example = path.display().to_string();
            }
        }
        Ok(loose)
    }
}
