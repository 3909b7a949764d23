//! Backups: everything the server keeps, while it runs, and back again.
//!
//! `cli` calls it. A snapshot has the rows of the database as of one moment, whichever database it is, and the files of the data directory
//! as they were soon after. So a message that was there at that moment is in it, unless somebody removed it meanwhile; one that came
//! later is taken in when the restored server looks at its folder. What has not changed since the last snapshot is neither read nor
//! kept again.
//!
//! What can be made again is left out: the index of words, and what the database keeps of the structure of messages. So is the
//! configuration, which lies elsewhere.

mod restore;
mod take;

pub use restore::{Restored, restore};
pub use take::{Options, Taken, take};

use std::path::Path;

use crate::model::clock::timestamp;
use crate::store;
use crate::store::vault::Vault;

use super::mailbox::blocking;

/// What of the data directory is kept, besides the database.
const DIRECTORIES: [&str; 3] = ["mail", "spool/queue", "tls"];

/// Why it was not done: a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self(error.to_string())
    }
}

/// A snapshot, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// When it was taken.
    pub taken_at: jiff::Timestamp,
    /// Its files, with their octets.
    pub files: u64,
    pub octets: u64,
    /// Rows of the database.
    pub rows: u64,
}

/// The snapshots of a directory, the oldest first.
pub async fn snapshots(directory: &Path) -> Result<Vec<Snapshot>, Failure> {
    let directory = directory.to_owned();
    let list = move || {
        let vault = Vault::open_to_read(&directory)?;
        let mut list = Vec::new();
        for name in vault.snapshots()? {
            let manifest = vault.manifest(&name)?;
            let summary = manifest.summary();
            list.push(Snapshot {
                name,
                taken_at: timestamp(manifest.head.taken_ms),
                files: summary.files,
                octets: summary.octets,
                rows: manifest.head.rows,
            });
        }
        Ok(list)
    };
    Ok(blocking(list).await?)
}

/// Looks through a snapshot (the last without a name) and what it names; what is damaged or missing, a line each.
pub async fn check(directory: &Path, name: Option<String>) -> Result<Vec<String>, Failure> {
    let directory = directory.to_owned();
    let look = move || {
        let vault = Vault::open_to_read(&directory)?;
        let name = chosen(&vault, name)?;
        let manifest = vault.manifest(&name)?;
        let mut wrong = Vec::new();
        if restore::rows_are_damaged(&vault, &name, &manifest)? {
            wrong.push("the rows of the database are damaged".to_owned());
        }
        for entry in &manifest.entries {
            if !vault.is_sound(entry.digest)? {
                wrong.push(format!("{}: its content is damaged or missing", entry.path.display()));
            }
        }
        Ok(wrong)
    };
    Ok(blocking(look).await?)
}

/// The snapshot of this name, or the last.
fn chosen(vault: &Vault, name: Option<String>) -> Result<String, store::Error> {
    let mut names = vault.snapshots()?;
    let found = match name {
        None => names.pop(),
        Some(name) => names.into_iter().find(|it| *it == name),
    };
    found.ok_or_else(|| store::Error::Unusable("there is no such snapshot; --list shows those there are".into()))
}
