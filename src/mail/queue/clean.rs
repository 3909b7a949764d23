//! After the clock went back: times that lie too far ahead. After a crash: claims whose holder is dead, and files without a row, left by a crash between the writing of a file and its entry, or between the last result and the removal.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::{Queue, lock};
use crate::model::ids::MailId;
use crate::store;
use crate::store::db::Tx;
use crate::store::db::queue as rows;

/// A file may be this old before its row must be there.
const GRACE: Duration = Duration::from_hours(1);

impl Queue {
    /// At the start of dispatch: ends the claims of the life before, if no other node can hold any. Where others can, a dead node's
    /// claims end with their leases. No try lies further ahead than the longest wait puts it: it was reckoned with a clock that was ahead.
    pub async fn recover(&self) -> Result<(), store::Error> {
        let mut tx = self.inner.database.write().await?;
        if self.inner.database.dialect().serves_one_node() {
            rows::release_everything(&mut tx).await?;
        }
        self.pull_in(&mut tx, self.inner.settings.retry_max_seconds.saturating_mul(2))
            .await?;
        tx.commit().await
    }

    /// Where the clock went back since the last call, nothing waits for as long as it was ahead: all that waits is tried after the
    /// shortest wait, if not before.
    pub async fn follow_clock(&self) -> Result<(), store::Error> {
        let Some(back) = lock(&self.inner.steps).back() else {
            return Ok(());
        };
        let mut tx = self.inner.database.write().await?;
        let earlier = self.pull_in(&mut tx, self.inner.settings.retry_first_seconds).await?;
        tx.commit().await?;
        tracing::warn!(
            seconds = back / 1000,
            recipients = earlier,
            "the clock went back: what waits is tried earlier"
        );
        Ok(())
    }

    async fn pull_in(&self, tx: &mut Tx, seconds: u64) -> Result<u64, store::Error> {
        let now = self.inner.clock.now_ms();
        let wait = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        rows::pull_in(tx, now.saturating_add(wait), self.lease_end(now)).await
    }

    /// Removes the files of the spool that are older than an hour and in no ledger; gives their number.
    pub async fn clean(&self) -> Result<usize, store::Error> {
        let directory = self.inner.spool.queue_dir();
        let listed = tokio::task::spawn_blocking({
            let directory = directory.clone();
            move || old_files(&directory)
        });
        let files = match listed.await {
            Ok(Ok(files)) => files,
            Ok(Err(source)) => return Err(store::Error::File { path: directory, source }),
            Err(_) => return Ok(0),
        };
        let mut removed = 0;
        for (id, path) in files {
            let mut tx = self.inner.database.read().await?;
            if !rows::is_known(&mut tx, id).await? {
                tracing::warn!(path = %path.display(), "a file of the queue that is in no ledger is removed");
                self.remove_file(id).await;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// The files that are named by an id and old enough. What else lies there is left alone.
pub(super) fn old_files(directory: &std::path::Path) -> std::io::Result<Vec<(MailId, PathBuf)>> {
    // The file system's clock is the machine's, whatever clock the ledger has.
    let before = SystemTime::now().checked_sub(GRACE);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(|name| name.parse::<MailId>().ok());
        let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        if let (Some(id), Some(modified), Some(before)) = (id, modified, before)
            && modified < before
        {
            found.push((id, entry.path()));
        }
    }
    Ok(found)
}
