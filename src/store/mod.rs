//! SQL rows and files; knows no protocol.
//!
//! `db` keeps the directory, the index of the mailboxes and the queue in SQL; `maildir` keeps the messages of users;
//! `spool` keeps the messages under way; `words` the index that SEARCH asks. Only `mail` calls this room.

pub mod db;
mod leftovers;
pub mod maildir;
pub mod spool;
pub mod words;

/// What broke inside the house. It is logged once with its cause, and said outside only as "try later".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not do it.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
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

impl From<Error> for crate::model::refusal::Refusal {
    /// Logs the cause once; outside it is only "try later".
    fn from(error: Error) -> Self {
        tracing::error!(%error, "store failed");
        Self::LATER
    }
}
