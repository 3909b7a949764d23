//! The table `app_passwords`.

use super::{Error, Row, Tx};
use crate::model::clock::timestamp;
use crate::model::ids::{AppPasswordId, UserId};
use crate::model::login::AppPassword;

macro_rules! columns {
    () => {
        "id, name, protocols, created_at, expires_at, last_used_at"
    };
}

fn app_password(row: &Row<'_>) -> Result<AppPassword, Error> {
    let protocols = row.str(2)?.split_whitespace().map(str::parse).collect::<Result<_, _>>();
    Ok(AppPassword {
        id: AppPasswordId(row.integer(0)?),
        name: row.text(1)?,
        protocols: protocols.map_err(|_| Error::Corrupt("app_passwords.protocols"))?,
        created_at: timestamp(row.integer(3)?),
        expires_at: row.integer_or_null(4)?.map(timestamp),
        last_used_at: row.integer_or_null(5)?.map(timestamp),
    })
}

/// Those of a user, oldest first.
pub async fn list(tx: &mut Tx, user: UserId) -> Result<Vec<AppPassword>, Error> {
    tx.query(concat!("SELECT ", columns!(), " FROM app_passwords WHERE user_id = ? ORDER BY id"))
        .bind(user.0)
        .all(app_password)
        .await
}

/// The one whose secret has this SHA-256 (hexadecimal), and whose it is.
pub async fn find(tx: &mut Tx, secret: &str) -> Result<Option<(UserId, AppPassword)>, Error> {
    tx.query(concat!("SELECT ", columns!(), ", user_id FROM app_passwords WHERE secret = ?"))
        .bind(secret)
        .optional(|row| Ok((UserId(row.integer(6)?), app_password(row)?)))
        .await
}

/// Adds one with the SHA-256 of its secret.
pub async fn insert(tx: &mut Tx, user: UserId, new: &AppPassword, secret: &str) -> Result<(), Error> {
    tx.query(concat!(
        "INSERT INTO app_passwords (",
        columns!(),
        ", user_id, secret) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    ))
    .bind(new.id.0)
    .bind(&*new.name)
    .bind(new.protocols.iter().map(|protocol| protocol.as_str()).collect::<Vec<_>>().join(" "))
    .bind(new.created_at.as_millisecond())
    .bind(new.expires_at.map(|at| at.as_millisecond()))
    .bind(new.last_used_at.map(|at| at.as_millisecond()))
    .bind(user.0)
    .bind(secret)
    .execute()
    .await
    .map(drop)
}

/// Notes that one was used.
pub async fn touch(tx: &mut Tx, id: AppPasswordId, at_ms: i64) -> Result<(), Error> {
    let update = tx.query("UPDATE app_passwords SET last_used_at = ? WHERE id = ?");
    update.bind(at_ms).bind(id.0).execute().await.map(drop)
}

/// Removes one of a user; whether it was there.
pub async fn delete(tx: &mut Tx, user: UserId, id: AppPasswordId) -> Result<bool, Error> {
    let delete = tx.query("DELETE FROM app_passwords WHERE id = ? AND user_id = ?");
    Ok(delete.bind(id.0).bind(user.0).execute().await? == 1)
}
