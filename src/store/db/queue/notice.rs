//! Recipients whose mail is late, for those who tell the sender.

use super::{ADDRESSEE, Addressee, addressee};
use crate::model::ids::MailId;
use crate::store::Error;
use crate::store::db::Tx;

/// Messages of which somebody is to be told that they are late.
pub async fn due_notices(tx: &mut Tx, now: i64, limit: usize) -> Result<Vec<MailId>, Error> {
    tx.query("SELECT DISTINCT message_id FROM queue_recipients WHERE notice_at <= ? AND state = 0 LIMIT ?")
        .bind(now)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .all(|row| row.integer(0).map(MailId))
        .await
}

/// The recipients of a message that wait and are to be told of, which happens once: none is given a second time. After
/// [`super::hold`], so that two nodes do not both get them.
pub async fn take_notices(tx: &mut Tx, id: MailId, now: i64) -> Result<Vec<Addressee>, Error> {
    let late = tx
        .query_built(format!(
            "SELECT {ADDRESSEE} FROM queue_recipients WHERE message_id = ? AND notice_at <= ? AND state = 0 ORDER BY position"
        ))
        .bind(id.0)
        .bind(now)
        .all(addressee)
        .await?;
    tx.query("UPDATE queue_recipients SET notice_at = NULL WHERE message_id = ? AND notice_at <= ? AND state = 0")
        .bind(id.0)
        .bind(now)
        .execute()
        .await?;
    Ok(late.into_iter().map(|(_, recipient)| recipient).collect())
}
