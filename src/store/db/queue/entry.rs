//! Messages into the queue, out of it, and on show.

use super::{ADDRESSEE, Addressee, MESSAGE, Message, State, addressee, contents, marks, message, notify_bits, nullable};
use crate::model::envelope::{BodyType, Recipient, Ret};
use crate::model::ids::MailId;
use crate::store::Error;
use crate::store::db::{Tx, Value};

const INSERT_MESSAGES: &str = "INSERT INTO queue_messages (id, sender, size, body, smtputf8, ret, envid, user_id, created_at, expires_at, changed_at, \
                               tls_optional) VALUES";
const MESSAGE_COLUMNS: usize = 12;
const INSERT_RECIPIENTS: &str = "INSERT INTO queue_recipients (message_id, position, address, notify, orcpt, destination, state, attempts, \
                                 next_attempt_at, expires_at, lease, lease_until, notice_at) VALUES";
const RECIPIENT_COLUMNS: usize = 13;

/// A message to be entered.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'e> {
    /// The message.
    pub message: &'e Message,
    /// Its recipients.
    pub recipients: &'e [Recipient],
    /// Its octets; none if they lie in the spool.
    pub content: Option<&'e [u8]>,
    /// When all of them are due.
    pub first_attempt_at: i64,
    /// When the sender is told that it is late.
    pub notice_at: Option<i64>,
}

/// Enters messages. Conflict if an id is there already.
pub async fn insert(tx: &mut Tx, entries: &[Entry<'_>]) -> Result<(), Error> {
    let messages = entries.iter().flat_map(|entry| new_message(entry.message)).collect();
    tx.insert_many(INSERT_MESSAGES, MESSAGE_COLUMNS, messages).await?;
    let kept = entries.iter().filter_map(|entry| Some((entry.message.id, entry.content?)));
    contents::insert(tx, kept).await?;
    let recipients = entries.iter().flat_map(|entry| {
        let positions = 0_i64..;
        positions
            .zip(entry.recipients)
            .flat_map(|(position, recipient)| new_recipient(entry, position, recipient))
    });
    tx.insert_many(INSERT_RECIPIENTS, RECIPIENT_COLUMNS, recipients.collect())
        .await
        .map(drop)
}

/// The values of [`INSERT_MESSAGES`].
fn new_message(message: &Message) -> [Value; MESSAGE_COLUMNS] {
    let sender = &message.sender;
    let created_at = message.created_at.as_millisecond();
    [
        message.id.0.into(),
        sender.path.to_string().into(),
        i64::try_from(message.size).unwrap_or(i64::MAX).into(),
        i64::from(sender.body == BodyType::EightBitMime).into(),
        i64::from(sender.smtputf8).into(),
        sender.ret.map(|ret| i64::from(ret == Ret::Full)).into(),
        nullable(sender.envid.as_deref(), 1024),
        message.user.map(|user| user.0).into(),
        created_at.into(),
        message.expires_at.as_millisecond().into(),
        created_at.into(),
        i64::from(sender.tls_optional).into(),
    ]
}

/// The values of [`INSERT_RECIPIENTS`] for one recipient.
fn new_recipient(entry: &Entry<'_>, position: i64, recipient: &Recipient) -> [Value; RECIPIENT_COLUMNS] {
    let message = entry.message;
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
        entry.first_attempt_at.into(),
        message.expires_at.as_millisecond().into(),
        0_i64.into(),
        0_i64.into(),
        entry.notice_at.filter(|_| is_told).into(),
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

/// The messages after the one named, oldest first: their sizes, and those of the octets beside their rows, if they are there.
pub async fn sizes(tx: &mut Tx, after: Option<MailId>, limit: usize) -> Result<Vec<(MailId, u64, Option<u64>)>, Error> {
    let size = |octets: i64| u64::try_from(octets).map_err(|_| Error::Corrupt("queue_messages.size"));
    tx.query(
        "SELECT id, size, octets FROM queue_messages LEFT JOIN queue_contents ON queue_contents.message_id = id \
         WHERE id > ? ORDER BY id LIMIT ?",
    )
    .bind(after.map_or(0, |after| after.0))
    .bind(limit as i64)
    .all(|row| {
        let beside = row.blob_or_null(2)?.map(|octets| octets.len() as u64);
        Ok((MailId(row.integer(0)?), size(row.integer(1)?)?, beside))
    })
    .await
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
    contents::remove(tx, [id].into_iter()).await?;
    Ok(found > 0)
}
