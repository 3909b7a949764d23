//! The table `submissions`: how much each user has sent.

use super::{Error, Tx};
use crate::model::ids::UserId;

/// What a user has sent in an hour and a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// Which hour since 1970.
    pub hour: i64,
    /// Messages in that hour.
    pub hour_messages: i64,
    /// Their recipients.
    pub hour_recipients: i64,
    /// Which day since 1970.
    pub day: i64,
    /// Messages on that day.
    pub day_messages: i64,
    /// Their recipients.
    pub day_recipients: i64,
}

/// The counts of a user, whose row nobody else changes before the end of this transaction.
pub async fn lock(tx: &mut Tx, user: UserId) -> Result<Sent, Error> {
    let insert = tx.dialect().insert_or_ignore(
        "INTO submissions (user_id, hour_number, hour_messages, hour_recipients, day_number, day_messages, day_recipients) \
         VALUES (?, 0, 0, 0, 0, 0, 0)",
    );
    tx.query_built(insert).bind(user.0).execute().await?;
    let select = format!(
        "SELECT hour_number, hour_messages, hour_recipients, day_number, day_messages, day_recipients FROM submissions \
         WHERE user_id = ?{}",
        tx.for_update()
    );
    let found = tx.query_built(select).bind(user.0).optional(|row| {
        Ok(Sent {
            hour: row.integer(0)?,
            hour_messages: row.integer(1)?,
            hour_recipients: row.integer(2)?,
            day: row.integer(3)?,
            day_messages: row.integer(4)?,
            day_recipients: row.integer(5)?,
        })
    });
    Ok(found.await?.unwrap_or_default())
}

/// Stores the counts of a user.
pub async fn update(tx: &mut Tx, user: UserId, sent: &Sent) -> Result<(), Error> {
    tx.query(
        "UPDATE submissions SET hour_number = ?, hour_messages = ?, hour_recipients = ?, day_number = ?, day_messages = ?, \
         day_recipients = ? WHERE user_id = ?",
    )
    .bind(sent.hour)
    .bind(sent.hour_messages)
    .bind(sent.hour_recipients)
    .bind(sent.day)
    .bind(sent.day_messages)
    .bind(sent.day_recipients)
    .bind(user.0)
    .execute()
    .await
    .map(drop)
}
