//! Files of messages under way: `spool/incoming/` while octets come in, `spool/queue/` for what the ledger holds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::ids::MailId;

/// The spool directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Spool {
    root: PathBuf,
}

impl Spool {
    /// Opens `data_dir/spool`, making what is missing.
    pub fn open(data_dir: &Path) -> Result<Self, super::Error> {
        let root = data_dir.join("spool");
        for sub in ["incoming", "queue"] {
            let path = root.join(sub);
            std::fs::create_dir_all(&path).map_err(|source| super::Error::File { path, source })?;
        }
        Ok(Self { root })
    }

    /// Where a message lies while its octets come in.
    pub fn incoming(&self, id: MailId) -> PathBuf {
        self.root.join("incoming").join(id.to_string())
    }

    /// Where a queued message lies.
    pub fn queued(&self, id: MailId) -> PathBuf {
        self.root.join("queue").join(id.to_string())
    }

    /// The directory of the queued messages.
    pub fn queue_dir(&self) -> PathBuf {
        self.root.join("queue")
    }

    /// Removes what a crash left in `incoming`: nothing that lies there for a day can still be coming in.
    pub fn sweep(&self) -> Result<(), super::Error> {
        super::leftovers::remove_older(&self.root.join("incoming"), Duration::from_secs(86_400))
    }
}
