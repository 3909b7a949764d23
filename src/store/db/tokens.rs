//! The table `refresh_tokens`.

use super::{Error, Tx};
use crate::model::ids::UserId;

/// What a refresh token was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// To whom.
    pub user: UserId,
    /// The user's token epoch at that moment.
    pub epoch: i64,
    /// When it ends, in milliseconds since 1970.
    pub expires_at_ms: i64,
}

/// Adds a token by the SHA-256 of its text (hexadecimal).
pub async fn insert(tx: &mut Tx, secret: &str, token: &RefreshToken) -> Result<(), Error> {
    tx.query("INSERT INTO refresh_tokens (secret, user_id, epoch, expires_at) VALUES (?, ?, ?, ?)")
        .bind(secret)
        .bind(token.user.0)
        .bind(token.epoch)
        .bind(token.expires_at_ms)
        .execute()
        .await
        .map(drop)
}

/// Takes a token out: it is found once, by one of those who ask at the same time.
pub async fn take(tx: &mut Tx, secret: &str) -> Result<Option<RefreshToken>, Error> {
    let found = tx
        .query("SELECT user_id, epoch, expires_at FROM refresh_tokens WHERE secret = ?")
        .bind(secret)
        .optional(|row| {
            Ok(RefreshToken {
                user: UserId(row.integer(0)?),
                epoch: row.integer(1)?,
                expires_at_ms: row.integer(2)?,
            })
        })
        .await?;
    let delete = tx.query("DELETE FROM refresh_tokens WHERE secret = ?");
    let deleted = delete.bind(secret).execute().await?;
    Ok(found.filter(|_| deleted == 1))
}

/// Drops all tokens of a user.
pub async fn delete_of(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    let delete = tx.query("DELETE FROM refresh_tokens WHERE user_id = ?");
    delete.bind(user.0).execute().await.map(drop)
}

/// Drops the tokens that have ended.
pub async fn delete_expired(tx: &mut Tx, now_ms: i64) -> Result<(), Error> {
    let delete = tx.query("DELETE FROM refresh_tokens WHERE expires_at < ?");
    delete.bind(now_ms).execute().await.map(drop)
}
