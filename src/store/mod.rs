//! SQL rows and files; knows no protocol.
//!
//! `db` keeps the directory, the index of the mailboxes and the queue in SQL; `maildir` keeps the messages of users;
//! `spool` keeps the messages under way; `words` the index that SEARCH asks. Only `mail` calls this room.

pub mod db;
mod in_place;
mod leftovers;
pub mod maildir;
pub mod room;
pub mod spool;
pub mod vault;
pub mod words;

use std::io::ErrorKind;

pub use in_place::{Asked, FRESH, LastRead, in_place};

/// What broke inside the house. It is logged once with its cause, and said outside only as "try later".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not do it.
    #[error("database: {0}")]
    Database(sqlx::Error),
    /// SQLite did not do it.
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
    /// The database has no room for it: in the words of the database.
    #[error("database: there is no room: {0}")]
    NoRoom(String),
    /// The database does not answer, or says that it will not for now: in the words of the database or the system.
    #[error("database: it does not answer: {0}")]
    Away(String),
    /// The database has a value that cannot be: names the table and column.
    #[error("the database holds an invalid value in {0}")]
    Corrupt(&'static str),
    /// A uniqueness rule said no.
    #[error("it exists already")]
    Conflict,
    /// A file operation failed.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database cannot be opened or brought up to date: a sentence for the operator.
    #[error("{0}")]
    Unusable(String),
}

impl Error {
    /// Whether it would have been done on a disk with more room.
    pub fn is_for_lack_of_room(&self) -> bool {
        match self {
            Self::NoRoom(_) => true,
            Self::File { source, .. } => matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded),
            Self::Database(_) | Self::Sqlite(_) | Self::Away(_) | Self::Corrupt(_) | Self::Conflict | Self::Unusable(_) => false,
        }
    }
}

impl From<Error> for crate::model::refusal::Refusal {
    /// Logs the cause once; outside it is only "try later".
    fn from(error: Error) -> Self {
        tracing::error!(%error, "store failed");
        if error.is_for_lack_of_room() { Self::NoRoom } else { Self::LATER }
    }
}
