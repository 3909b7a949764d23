//! The table `refresh_tokens`: one for each session of the API, another one after each use.

use super::{Error, Row, Tx};
use crate::model::ids::{SessionId, UserId};

/// What a refresh token was given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// To whom.
    pub user: UserId,
    /// The user's token epoch at that moment.
    pub epoch: i64,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
    /// The session that it goes on with.
    pub session: SessionId,
    /// When the session began.
    pub begun_ms: i64,
    /// When the token was given: the last use of the one before.
    pub used_ms: i64,
    /// From where.
    pub peer: Option<String>,
}

macro_rules! columns {
    () => {
        "user_id, epoch, expires_at, session_id, begun_at, used_at, peer"
    };
}

fn token(row: &Row<'_>) -> Result<RefreshToken, Error> {
    Ok(RefreshToken {
        user: UserId(row.integer(0)?),
        epoch: row.integer(1)?,
        expires_ms: row.integer(2)?,
        session: SessionId(row.integer(3)?),
        begun_ms: row.integer(4)?,
        used_ms: row.integer(5)?,
        peer: row.text_or_null(6)?,
    })
}

/// Adds a token by the SHA-256 of its text (hexadecimal).
pub async fn insert(tx: &mut Tx, secret: &str, token: &RefreshToken) -> Result<(), Error> {
    tx.query(concat!(
        "INSERT INTO refresh_tokens (",
        columns!(),
        ", secret) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    ))
    .bind(token.user.0)
    .bind(token.epoch)
    .bind(token.expires_ms)
    .bind(token.session.0)
    .bind(token.begun_ms)
    .bind(token.used_ms)
    .bind(token.peer.as_deref())
    .bind(secret)
    .execute()
    .await
    .map(drop)
}

/// Takes a token out: it is found once, by one of those who ask at the same time.
pub async fn take(tx: &mut Tx, secret: &str) -> Result<Option<RefreshToken>, Error> {
    let found = tx
        .query(concat!("SELECT ", columns!(), " FROM refresh_tokens WHERE secret = ?"))
        .bind(secret)
        .optional(token)
        .await?;
    let delete = tx.query("DELETE FROM refresh_tokens WHERE secret = ?");
    let deleted = delete.bind(secret).execute().await?;
    Ok(found.filter(|_| deleted == 1))
}

/// Those of a user that have not ended, by session.
pub async fn list(tx: &mut Tx, user: UserId, now_ms: i64) -> Result<Vec<RefreshToken>, Error> {
    tx.query(concat!(
        "SELECT ",
        columns!(),
        " FROM refresh_tokens WHERE user_id = ? AND expires_at > ? ORDER BY session_id"
    ))
    .bind(user.0)
    .bind(now_ms)
    .all(token)
    .await
}

/// Whether a session is not over.
pub async fn lives(tx: &mut Tx, session: SessionId) -> Result<bool, Error> {
    let found = tx.query("SELECT 1 FROM refresh_tokens WHERE session_id = ?").bind(session.0);
    Ok(found.optional(|_| Ok(())).await?.is_some())
}

/// Ends a session of a user; whether there was one.
pub async fn delete_session(tx: &mut Tx, user: UserId, session: SessionId) -> Result<bool, Error> {
    let delete = tx.query("DELETE FROM refresh_tokens WHERE user_id = ? AND session_id = ?");
    Ok(delete.bind(user.0).bind(session.0).execute().await? > 0)
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
