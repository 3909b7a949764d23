//! Messages into the queue, out of it, and on show.

use super::{ADDRESSEE, Addressee, MESSAGE, Message, State, addressee, marks, message, notify_bits, nullable};
use crate::model::envelope::{BodyType, Recipient, Ret};
use crate::model::ids::MailId;
use crate::store::Error;
use crate::store::db::{Tx, Value};

const INSERT_RECIPIENTS: &str = "INSERT INTO queue_recipients (message_id, position, address, notify, orcpt, destination, state, attempts, \
                                 next_attempt_at, expires_at, lease, lease_until, notice_at) VALUES";
const INSERTED_COLUMNS: usize = 13;

/// Enters a message whose recipients are all due at once; at `notice_at` the sender is told that it is late. Conflict if the id is there
/// already.
pub async fn insert(tx: &mut Tx, message: &Message, recipients: &[Recipient], notice_at: Option<i64>) -> Result<(), Error> {
    let sender = &message.sender;
    let created_at = message.created_at.as_millisecond();
    tx.query(
        "INSERT INTO queue_messages (id, sender, size, body, smtputf8, ret, envid, user_id, created_at, expires_at, changed_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(message.id.0)
    .bind(sender.path.to_string())
    .bind(i64::try_from(message.size).unwrap_or(i64::MAX))
    .bind(i64::from(sender.body == BodyType::EightBitMime))
    .bind(i64::from(sender.smtputf8))
    .bind(sender.ret.map(|ret| i64::from(ret == Ret::Full)))
    .bind(nullable(sender.envid.as_deref(), 1024))
    .bind(message.user.map(|user| user.0))
    .bind(created_at)
    .bind(message.expires_at.as_millisecond())
    .bind(created_at)
    .execute()
    .await?;
    let rows = (0_i64..)
        .zip(recipients)
        .flat_map(|(position, recipient)| new_recipient(message, position, recipient, notice_at));
    tx.insert_many(INSERT_RECIPIENTS, INSERTED_COLUMNS, rows.collect()).await.map(drop)
}

/// The values of [`INSERT_RECIPIENTS`] for one recipient.
fn new_recipient(message: &Message, position: i64, recipient: &Recipient, notice_at: Option<i64>) -> [Value; INSERTED_COLUMNS] {
    // RFC 3461 §4.1: NOTIFY says whether a delay is told; RFC 3464 §2: and nobody can be told of what has the null sender.
    let is_told = message.sender.path.address().is_some() && recipient.notify.unwrap_or_default().delay;
    [
        message.id.0.into(),
        position.into(),
        recipient.address.to_string().into(),
        recipient.notify.map(notify_bits).into(),
        nullable(recipient.orcpt.as_deref(), 1024),
        recipient.address.host().to_string().into(),
        State::Waiting.code().into(),
        0_i64.into(),
        message.created_at.as_millisecond().into(),
        message.expires_at.as_millisecond().into(),
        0_i64.into(),
        0_i64.into(),
        notice_at.filter(|_| is_told).into(),
    ]
}

/// How many messages there are.
pub async fn count(tx: &mut Tx) -> Result<u64, Error> {
    let found = tx
        .query("SELECT COUNT(*) FROM queue_messages")
        .optional(|row| row.integer(0))
        .await?;
    Ok(found.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

/// Whether there is a row for the message.
pub async fn is_known(tx: &mut Tx, id: MailId) -> Result<bool, Error> {
    let found = tx
        .query("SELECT id FROM queue_messages WHERE id = ?")
        .bind(id.0)
        .optional(|row| row.integer(0))
        .await?;
    Ok(found.is_some())
}

/// One message.
pub async fn find(tx: &mut Tx, id: MailId) -> Result<Option<Message>, Error> {
    tx.query_built(format!("SELECT {MESSAGE} FROM queue_messages WHERE id = ?"))
        .bind(id.0)
        .optional(message)
        .await
}

/// The recipients of these messages, in order.
pub async fn recipients_of(tx: &mut Tx, ids: &[MailId]) -> Result<Vec<(MailId, Addressee)>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    tx.query_built(format!(
        "SELECT {ADDRESSEE} FROM queue_recipients WHERE message_id IN ({}) ORDER BY message_id, position",
        marks(ids.len())
    ))
    .bind_all(ids.iter().map(|id| Value::from(id.0)))
    .all(addressee)
    .await
}

/// Takes a message out, whatever its state; whether it was there.
pub async fn remove(tx: &mut Tx, id: MailId) -> Result<bool, Error> {
    let found = tx.query("DELETE FROM queue_messages WHERE id = ?").bind(id.0).execute().await?;
    tx.query("DELETE FROM queue_recipients WHERE message_id = ?")
        .bind(id.0)
        .execute()
        .await?;
    Ok(found > 0)
}
