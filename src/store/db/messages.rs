//! The index of the messages: UIDs, flags, modseqs, sizes and dates.

use super::mailboxes::{modseq, uid};
use super::{Row, Tx, Value, derived};
use crate::model::clock::timestamp;
use crate::model::ids::{MailboxId, ModSeq, Uid};
use crate::model::mailbox::{FlagChange, Flags, MessageMeta};
use crate::store::Error;
use crate::store::maildir::FileName;

/// A message as the database has it: the base name of its file and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// The base name.
    pub name: FileName,
    /// The rest.
    pub meta: MessageMeta,
}

/// A message that has no UID yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The base name of its file.
    pub name: String,
    /// Its flags.
    pub flags: Flags,
    /// Octets.
    pub size: u64,
    /// INTERNALDATE.
    pub internal_date: jiff::Timestamp,
}

/// Messages with neighbouring UIDs (no other message of the mailbox lies between) whose flags change alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first UID.
    pub first: Uid,
    /// The last UID.
    pub last: Uid,
    /// How their flags change.
    pub change: FlagChange,
}

fn message(row: &Row<'_>) -> Result<MessageRow, Error> {
    Ok(MessageRow {
        name: FileName::parse(row.str(0)?).ok_or(Error::Corrupt("messages.name"))?,
        meta: MessageMeta {
            uid: uid(row, 1)?,
            flags: Flags::from_bits(u32::try_from(row.integer(2)?).map_err(|_| Error::Corrupt("messages.flags"))?),
            modseq: modseq(row, 3)?,
            size: u64::try_from(row.integer(4)?).map_err(|_| Error::Corrupt("messages.size"))?,
            internal_date: timestamp(row.integer(5)?),
        },
    })
}

/// All messages of a mailbox that changed after `since`, ascending by UID.
pub async fn changed_since(tx: &mut Tx, mailbox: MailboxId, since: ModSeq) -> Result<Vec<MessageRow>, Error> {
    let sql = "SELECT name, uid, flags, modseq, size, internal_date FROM messages WHERE mailbox_id = ? AND modseq > ? ORDER BY uid";
    tx.query(sql).bind(mailbox.0).bind(since.0 as i64).all(message).await
}

/// Whether any message below a UID changed after `since`.
pub async fn is_any_changed(tx: &mut Tx, mailbox: MailboxId, since: ModSeq, below: Uid) -> Result<bool, Error> {
    let sql = "SELECT uid FROM messages WHERE mailbox_id = ? AND uid < ? AND modseq > ? LIMIT 1";
    let query = tx.query(sql).bind(mailbox.0).bind(i64::from(below.0)).bind(since.0 as i64);
    Ok(query.optional(|row| uid(row, 0)).await?.is_some())
}

/// The UIDs that went after `since`, as runs (first and last) that ascend. Within a run there is nothing that did not go by then.
pub async fn expunged_since(tx: &mut Tx, mailbox: MailboxId, since: ModSeq) -> Result<Vec<(Uid, Uid)>, Error> {
    let sql = "SELECT uid, last_uid FROM expunged WHERE mailbox_id = ? AND modseq > ? ORDER BY uid";
    let run = |row: &Row<'_>| {
        let first = uid(row, 0)?;
        Ok((first, uid(row, 1)?.max(first)))
    };
    tx.query(sql).bind(mailbox.0).bind(since.0 as i64).all(run).await
}

/// Forgets the oldest runs of what went, but for so many, and remembers up to which modseq something may be missing.
pub async fn prune_expunged(tx: &mut Tx, mailbox: MailboxId, keep: u32) -> Result<(), Error> {
    let sql = "SELECT modseq FROM expunged WHERE mailbox_id = ? ORDER BY modseq DESC LIMIT 1 OFFSET ?";
    let oldest = tx
        .query(sql)
        .bind(mailbox.0)
        .bind(i64::from(keep))
        .optional(|row| row.integer(0))
        .await?;
    let Some(oldest) = oldest else { return Ok(()) };
    let sql = "DELETE FROM expunged WHERE mailbox_id = ? AND modseq <= ?";
    tx.query(sql).bind(mailbox.0).bind(oldest).execute().await?;
    let sql = "UPDATE mailboxes SET expunged_forgotten = ? WHERE id = ?";
    tx.query(sql).bind(oldest).bind(mailbox.0).execute().await?;
    Ok(())
}

/// Counts one change of the mailbox, by `count` messages and `bytes` octets (which may be negative): the new modseq, and the
/// first of `count` UIDs taken if `count` is positive. None if the mailbox is gone.
pub async fn advance(tx: &mut Tx, mailbox: MailboxId, count: i64, bytes: i64) -> Result<Option<(Uid, ModSeq)>, Error> {
    advance_taking(tx, mailbox, count.max(0), (count, bytes)).await
}

/// The same, where only so many UIDs are taken: the other messages have theirs.
pub async fn advance_taking(
    tx: &mut Tx,
    mailbox: MailboxId,
    taken: i64,
    (count, bytes): (i64, i64),
) -> Result<Option<(Uid, ModSeq)>, Error> {
    const UPDATE: &str =
        "UPDATE mailboxes SET uid_next = uid_next + ?, modseq = modseq + 1, messages = messages + ?, bytes = bytes + ? WHERE id = ?";
    let counted = |row: &Row<'_>| Ok((uid(row, 0)?, modseq(row, 1)?));
    if tx.dialect().has_returning() {
        let query = tx.query_built(format!("{UPDATE} RETURNING uid_next - ?, modseq"));
        let query = query.bind(taken).bind(count).bind(bytes).bind(mailbox.0).bind(taken);
        return query.optional(counted).await;
    }
    let query = tx.query(UPDATE).bind(taken).bind(count).bind(bytes).bind(mailbox.0);
    query.execute().await?;
    let sql = "SELECT uid_next - ?, modseq FROM mailboxes WHERE id = ?";
    tx.query(sql).bind(taken).bind(mailbox.0).optional(counted).await
}

/// Enters messages with their UIDs. [`Error::Conflict`] if a name or a UID is there already.
pub async fn insert<'m>(
    tx: &mut Tx,
    mailbox: MailboxId,
    modseq: ModSeq,
    messages: impl Iterator<Item = (Uid, &'m NewMessage)>,
) -> Result<(), Error> {
    let mut values: Vec<Value> = Vec::with_capacity(messages.size_hint().0.saturating_mul(7));
    for (uid, message) in messages {
        values.push(mailbox.0.into());
        values.push(i64::from(uid.0).into());
        values.push(message.name.as_str().into());
        values.push(i64::from(message.flags.bits()).into());
        values.push((modseq.0 as i64).into());
        values.push((message.size as i64).into());
        values.push(message.internal_date.as_millisecond().into());
    }
    tx.insert_many(
        "INSERT INTO messages (mailbox_id, uid, name, flags, modseq, size, internal_date) VALUES",
        7,
        values,
    )
    .await?;
    Ok(())
}

/// The UID of the message with this name.
pub async fn uid_of(tx: &mut Tx, mailbox: MailboxId, name: &str) -> Result<Option<Uid>, Error> {
    let sql = "SELECT uid FROM messages WHERE mailbox_id = ? AND name = ?";
    tx.query(sql).bind(mailbox.0).bind(name).optional(|row| uid(row, 0)).await
}

/// Changes the flags of the messages of a run.
pub async fn set_flags(tx: &mut Tx, mailbox: MailboxId, modseq: ModSeq, run: Run) -> Result<(), Error> {
    let sql = "UPDATE messages SET flags = (flags & ?) | ?, modseq = ? WHERE mailbox_id = ? AND uid BETWEEN ? AND ?";
    let (kept, set) = run.change.masks();
    tx.query(sql)
        .bind(i64::from(kept.bits()))
        .bind(i64::from(set.bits()))
        .bind(modseq.0 as i64)
        .bind(mailbox.0)
        .bind(i64::from(run.first.0))
        .bind(i64::from(run.last.0))
        .execute()
        .await?;
    Ok(())
}

/// Forgets the messages of a run, but remembers that they went (RFC 7162 §3.2.10.1).
pub async fn expunge(tx: &mut Tx, mailbox: MailboxId, modseq: ModSeq, run: Run) -> Result<(), Error> {
    let (first, last) = (i64::from(run.first.0), i64::from(run.last.0));
    // Of what is there by now: another node may have removed the first of them.
    let sql = "INSERT INTO expunged (mailbox_id, uid, last_uid, modseq) SELECT mailbox_id, MIN(uid), MAX(uid), ? FROM messages \
               WHERE mailbox_id = ? AND uid BETWEEN ? AND ? GROUP BY mailbox_id";
    tx.query(sql)
        .bind(modseq.0 as i64)
        .bind(mailbox.0)
        .bind(first)
        .bind(last)
        .execute()
        .await?;
    tx.query("DELETE FROM messages WHERE mailbox_id = ? AND uid BETWEEN ? AND ?")
        .bind(mailbox.0)
        .bind(first)
        .bind(last)
        .execute()
        .await?;
    derived::forget(tx, mailbox, (run.first, run.last)).await
}

/// Corrects the size of a message.
pub async fn set_size(tx: &mut Tx, mailbox: MailboxId, modseq: ModSeq, (uid, size): (Uid, u64)) -> Result<(), Error> {
    let sql = "UPDATE messages SET size = ?, modseq = ? WHERE mailbox_id = ? AND uid = ?";
    tx.query(sql)
        .bind(size as i64)
        .bind(modseq.0 as i64)
        .bind(mailbox.0)
        .bind(i64::from(uid.0))
        .execute()
        .await?;
    Ok(())
}
