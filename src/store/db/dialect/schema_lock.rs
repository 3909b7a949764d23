//! The lock under which the schema is changed: those who start at the same moment wait for one another.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::{Dialect, Inner, Statement};
use crate::store::Error;

/// The number of PostgreSQL's advisory lock.
const POSTGRES: &str = "SELECT pg_advisory_xact_lock(7237128888423915880)";
const MYSQL: &str = "SELECT CAST(GET_LOCK(CONCAT('posthouse:', MD5(DATABASE())), 60) AS SIGNED)";
const MYSQL_RELEASE: &str = "DO RELEASE_LOCK(CONCAT('posthouse:', MD5(DATABASE())))";

impl Inner {
    /// Waits for the lock. SQLite's is a file's, see [`lock_file`], which also keeps the write-ahead log from being turned on twice.
    pub(in crate::store::db) async fn lock_schema(&mut self) -> Result<(), Error> {
        match self.dialect() {
            Dialect::Sqlite => Ok(()),
            Dialect::Postgres => self.script(POSTGRES).await,
            Dialect::MySql => {
                let statement = Statement {
                    sql: MYSQL.into(),
                    values: Vec::new(),
                    cached: false,
                };
                let got = self.optional(statement, |row| row.integer_or_null(0)).await?;
                if got.flatten() == Some(1) {
                    return Ok(());
                }
                Err(Error::Unusable(
                    "database.url: another node has been changing the database's schema for a minute".into(),
                ))
            }
        }
    }

    /// Lets it go. MariaDB's belongs to the connection; the others end by themselves.
    pub(in crate::store::db) async fn unlock_schema(&mut self) -> Result<(), Error> {
        match self.dialect() {
            Dialect::Sqlite | Dialect::Postgres => Ok(()),
            Dialect::MySql => self.script(MYSQL_RELEASE).await,
        }
    }
}

/// Waits for the lock on a file; it is let go when the file is dropped.
pub(in crate::store::db) async fn lock_file(path: &Path) -> Result<File, std::io::Error> {
    let path: PathBuf = path.into();
    let waiting = tokio::task::spawn_blocking(move || {
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        file.lock()?;
        Ok(file)
    });
    waiting.await.map_err(std::io::Error::other)?
}
