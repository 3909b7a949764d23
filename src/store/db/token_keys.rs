//! The table `token_keys`.

use super::{Error, Tx};
use crate::model::ids::TokenKeyId;

/// A key that signs access tokens, or did.
#[derive(Clone)]
pub struct TokenKey {
    /// Its id.
    pub id: TokenKeyId,
    /// The key itself.
    pub secret: Vec<u8>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// Until when what it signed is honoured; none: it signs.
    pub ends_ms: Option<i64>,
}

/// All of them, newest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<TokenKey>, Error> {
    tx.query("SELECT id, secret, created_at, ends_at FROM token_keys ORDER BY id DESC")
        .all(|row| {
            Ok(TokenKey {
                id: TokenKeyId(row.integer(0)?),
                secret: row.blob(1)?,
                created_ms: row.integer(2)?,
                ends_ms: row.integer_or_null(3)?,
            })
        })
        .await
}

/// Adds one that signs.
pub async fn insert(tx: &mut Tx, key: &TokenKey) -> Result<(), Error> {
    tx.query("INSERT INTO token_keys (id, secret, created_at, ends_at) VALUES (?, ?, ?, ?)")
        .bind(key.id.0)
        .bind(&*key.secret)
        .bind(key.created_ms)
        .bind(key.ends_ms)
        .execute()
        .await
        .map(drop)
}

/// Those that sign do so no more, and are honoured until then; those whose end has come go.
pub async fn retire(tx: &mut Tx, now_ms: i64, until_ms: i64) -> Result<(), Error> {
    tx.query("DELETE FROM token_keys WHERE ends_at <= ?").bind(now_ms).execute().await?;
    let update = tx.query("UPDATE token_keys SET ends_at = ? WHERE ends_at IS NULL");
    update.bind(until_ms).execute().await.map(drop)
}
