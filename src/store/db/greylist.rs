//! The table `greylist`.

use super::{Error, Tx};

/// What was put off, or who came again. Times are milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// When it came for the first time.
    pub first_ms: i64,
    /// When it is forgotten.
    pub expires_ms: i64,
}

/// What is known under a mark.
pub async fn find(tx: &mut Tx, mark: &[u8]) -> Result<Option<Known>, Error> {
    let query = tx.query("SELECT first_at, expires_at FROM greylist WHERE mark = ?").bind(mark);
    let found = query.optional(|row| {
        Ok(Known {
            first_ms: row.integer(0)?,
            expires_ms: row.integer(1)?,
        })
    });
    found.await
}

/// Puts it in the place of what was known.
pub async fn put(tx: &mut Tx, mark: &[u8], known: Known) -> Result<(), Error> {
    let end = tx.dialect().or_update(&["mark"], &["first_at", "expires_at"]);
    let insert = format!("INSERT INTO greylist (mark, first_at, expires_at) VALUES (?, ?, ?){end}");
    let insert = tx.query_built(insert).bind(mark).bind(known.first_ms).bind(known.expires_ms);
    insert.execute().await.map(drop)
}

/// How much is known.
pub async fn count(tx: &mut Tx) -> Result<i64, Error> {
    let query = tx.query("SELECT COUNT(*) FROM greylist");
    Ok(query.optional(|row| row.integer(0)).await?.unwrap_or_default())
}

/// Forgets what expired before this moment.
pub async fn forget(tx: &mut Tx, before_ms: i64) -> Result<u64, Error> {
    tx.query("DELETE FROM greylist WHERE expires_at < ?")
        .bind(before_ms)
        .execute()
        .await
}
