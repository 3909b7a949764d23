//! The table `totp`.

use super::{Error, Tx};
use crate::model::ids::UserId;

/// The second factor of a user.
#[derive(Clone)]
pub struct Totp {
    /// The key that codes are made of.
    pub secret: Vec<u8>,
    /// When the first code was given, in milliseconds since 1970; none: it is not on yet.
    pub confirmed_ms: Option<i64>,
    /// The time step of the last code.
    pub last_step: i64,
    /// What is left of the recovery codes: SHA-256 in hexadecimal digits.
    pub recovery: Vec<String>,
}

/// That of a user.
pub async fn find(tx: &mut Tx, user: UserId) -> Result<Option<Totp>, Error> {
    tx.query("SELECT secret, confirmed_at, last_step, recovery FROM totp WHERE user_id = ?")
        .bind(user.0)
        .optional(|row| {
            Ok(Totp {
                secret: row.blob(0)?,
                confirmed_ms: row.integer_or_null(1)?,
                last_step: row.integer(2)?,
                recovery: row.str(3)?.split_whitespace().map(str::to_owned).collect(),
            })
        })
        .await
}

/// Sets that of a user, in the place of one that is there.
pub async fn put(tx: &mut Tx, user: UserId, totp: &Totp) -> Result<(), Error> {
    delete(tx, user).await?;
    tx.query("INSERT INTO totp (user_id, secret, confirmed_at, last_step, recovery) VALUES (?, ?, ?, ?, ?)")
        .bind(user.0)
        .bind(&*totp.secret)
        .bind(totp.confirmed_ms)
        .bind(totp.last_step)
        .bind(totp.recovery.join(" "))
        .execute()
        .await
        .map(drop)
}

/// Takes a step, or a recovery code, out, of two who do so at the same time for one of them; whether it was done.
pub async fn spend(tx: &mut Tx, user: UserId, before: &Totp, after: &Totp) -> Result<bool, Error> {
    let update = tx.query("UPDATE totp SET last_step = ?, recovery = ? WHERE user_id = ? AND last_step = ? AND recovery = ?");
    let query = update
        .bind(after.last_step)
        .bind(after.recovery.join(" "))
        .bind(user.0)
        .bind(before.last_step)
        .bind(before.recovery.join(" "));
    Ok(query.execute().await? == 1)
}

/// Drops that of a user.
pub async fn delete(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    tx.query("DELETE FROM totp WHERE user_id = ?")
        .bind(user.0)
        .execute()
        .await
        .map(drop)
}
