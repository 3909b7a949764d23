//! The tables `settings` (what all nodes share and nobody configures) and `directory_version`.

use super::{Error, Tx};

/// The setting of this name, which becomes `fresh` if there is none: all who ask at the same time get the same.
pub async fn get_or_set(tx: &mut Tx, name: &str, fresh: &[u8]) -> Result<Vec<u8>, Error> {
    let insert = tx.dialect().insert_or_ignore("INTO settings (name, content) VALUES (?, ?)");
    tx.query_built(insert).bind(name).bind(fresh).execute().await?;
    tx.query("SELECT content FROM settings WHERE name = ?")
        .bind(name)
        .optional(|row| row.blob(0))
        .await?
        .ok_or(Error::Corrupt("settings.content"))
}

/// The number of changes of the directory so far.
pub async fn directory_version(tx: &mut Tx) -> Result<i64, Error> {
    tx.query("SELECT version FROM directory_version WHERE id = 1")
        .optional(|row| row.integer(0))
        .await?
        .ok_or(Error::Corrupt("directory_version.version"))
}

/// Counts a change of the directory and gives its number. Whoever else wants to change it waits for the end of this transaction.
pub async fn bump_directory_version(tx: &mut Tx) -> Result<i64, Error> {
    tx.query("UPDATE directory_version SET version = version + 1 WHERE id = 1")
        .execute()
        .await?;
    directory_version(tx).await
}
