//! Mailboxes, subscriptions, keywords' names, usage.

use super::{Row, Tx, Value, acls, derived, imports, looks, metadata, recoveries, snapshots};
use crate::model::ids::{MailboxId, ModSeq, Uid, UserId};
use crate::model::mailbox::{MailboxInfo, MailboxName, SpecialUse};
use crate::store::Error;
use crate::store::maildir::FileName;

/// A mailbox as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxRow {
    /// Whose it is.
    pub user: UserId,
    /// What it is.
    pub info: MailboxInfo,
    /// Its directory below the user's, empty for the INBOX.
    pub folder: String,
    /// Its counters.
    pub counters: Counters,
}

/// What of a mailbox changes with its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// The UID that the next message gets.
    pub uid_next: Uid,
    /// Messages from here on are \Recent.
    pub recent_from: Uid,
    /// The change counter.
    pub modseq: ModSeq,
    /// What was expunged up to here may be forgotten.
    pub forgotten: ModSeq,
}

pub(super) const COLUMNS: &str = "m.id, m.user_id, m.name, m.folder, m.special_use, m.uidvalidity, m.uid_next, m.recent_from, m.modseq, \
     m.expunged_forgotten, \
     (SELECT COUNT(*) FROM subscriptions s WHERE s.user_id = m.user_id AND s.name = m.name)";

pub(super) fn mailbox(row: &Row<'_>) -> Result<MailboxRow, Error> {
    let special_use = row.text_or_null(4)?;
    Ok(MailboxRow {
        user: UserId(row.integer(1)?),
        info: MailboxInfo {
            id: MailboxId(row.integer(0)?),
            name: MailboxName::parse(&row.text(2)?).map_err(|_| Error::Corrupt("mailboxes.name"))?,
            uidvalidity: u32::try_from(row.integer(5)?).map_err(|_| Error::Corrupt("mailboxes.uidvalidity"))?,
            special_use: special_use.as_deref().and_then(SpecialUse::parse),
            subscribed: row.integer(10)? > 0,
        },
        folder: row.text(3)?,
        counters: counters(row, 6)?,
    })
}

fn counters(row: &Row<'_>, first: usize) -> Result<Counters, Error> {
    Ok(Counters {
        uid_next: uid(row, first)?,
        recent_from: uid(row, first + 1)?,
        modseq: modseq(row, first + 2)?,
        forgotten: modseq(row, first + 3)?,
    })
}

pub(super) fn uid(row: &Row<'_>, column: usize) -> Result<Uid, Error> {
    u32::try_from(row.integer(column)?).map(Uid).map_err(|_| Error::Corrupt("a UID"))
}

pub(super) fn modseq(row: &Row<'_>, column: usize) -> Result<ModSeq, Error> {
    u64::try_from(row.integer(column)?)
        .map(ModSeq)
        .map_err(|_| Error::Corrupt("a modseq"))
}

/// All mailboxes of a user, by name.
pub async fn of_user(tx: &mut Tx, user: UserId) -> Result<Vec<MailboxRow>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM mailboxes m WHERE user_id = ? ORDER BY name");
    tx.query_built(sql).bind(user.0).all(mailbox).await
}

/// The same, each with how many messages it has.
pub async fn with_messages(tx: &mut Tx, user: UserId) -> Result<Vec<(MailboxRow, u64)>, Error> {
    let sql = format!("SELECT {COLUMNS}, messages FROM mailboxes m WHERE user_id = ? ORDER BY name");
    let row = |row: &Row<'_>| Ok((mailbox(row)?, u64::try_from(row.integer(11)?).unwrap_or(0)));
    tx.query_built(sql).bind(user.0).all(row).await
}

/// The mailbox of this name.
pub async fn by_name(tx: &mut Tx, user: UserId, name: &MailboxName) -> Result<Option<MailboxRow>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM mailboxes m WHERE user_id = ? AND name = ?");
    tx.query_built(sql).bind(user.0).bind(name.as_str()).optional(mailbox).await
}

/// The mailbox with this id, if it is the user's.
pub async fn by_id(tx: &mut Tx, user: UserId, id: MailboxId) -> Result<Option<MailboxRow>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM mailboxes m WHERE id = ? AND user_id = ?");
    tx.query_built(sql).bind(id.0).bind(user.0).optional(mailbox).await
}

/// The counters of a mailbox; none if it is gone.
pub async fn current(tx: &mut Tx, id: MailboxId) -> Result<Option<Counters>, Error> {
    let sql = "SELECT uid_next, recent_from, modseq, expunged_forgotten FROM mailboxes WHERE id = ?";
    tx.query(sql).bind(id.0).optional(|row| counters(row, 0)).await
}

/// Enters a new, empty mailbox. [`Error::Conflict`] if the user has one of this name.
pub async fn insert(tx: &mut Tx, row: &MailboxRow) -> Result<(), Error> {
    let sql = "INSERT INTO mailboxes (id, user_id, name, folder, special_use, uidvalidity, uid_next, recent_from, modseq, messages, bytes) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)";
    tx.query(sql)
        .bind(row.info.id.0)
        .bind(row.user.0)
        .bind(row.info.name.as_str())
        .bind(row.folder.as_str())
        .bind(row.info.special_use.map(SpecialUse::as_str))
        .bind(i64::from(row.info.uidvalidity))
        .bind(i64::from(row.counters.uid_next.0))
        .bind(i64::from(row.counters.recent_from.0))
        .bind(row.counters.modseq.0 as i64)
        .execute()
        .await?;
    Ok(())
}

/// A UIDVALIDITY that this user never had: the seconds since 1970, or one more than the last (RFC 3501 §2.3.1.1).
pub async fn next_uidvalidity(tx: &mut Tx, user: UserId, now_seconds: i64) -> Result<u32, Error> {
    let sql = "SELECT last FROM uidvalidities WHERE user_id = ?";
    let last = tx.query(sql).bind(user.0).optional(|row| row.integer(0)).await?;
    let next = now_seconds.max(last.map_or(1, |last| last + 1));
    let sql = match last {
        Some(_) => "UPDATE uidvalidities SET last = ? WHERE user_id = ?",
        None => "INSERT INTO uidvalidities (last, user_id) VALUES (?, ?)",
    };
    tx.query(sql).bind(next).bind(user.0).execute().await?;
    u32::try_from(next).map_err(|_| Error::Corrupt("uidvalidities.last"))
}

/// Takes a UIDVALIDITY that a mailbox of this user has had: no other will get it.
pub async fn keep_uidvalidity(tx: &mut Tx, user: UserId, had: u32) -> Result<u32, Error> {
    next_uidvalidity(tx, user, i64::from(had)).await?;
    Ok(had)
}

/// Gives a mailbox another name and directory. [`Error::Conflict`] if the name is taken.
pub async fn rename(tx: &mut Tx, id: MailboxId, name: &MailboxName, folder: &str) -> Result<(), Error> {
    let sql = "UPDATE mailboxes SET name = ?, folder = ? WHERE id = ?";
    tx.query(sql).bind(name.as_str()).bind(folder).bind(id.0).execute().await?;
    Ok(())
}

/// Gives a mailbox a special use, or none.
pub async fn set_special_use(tx: &mut Tx, id: MailboxId, special_use: Option<SpecialUse>) -> Result<(), Error> {
    let sql = "UPDATE mailboxes SET special_use = ? WHERE id = ?";
    let special_use = special_use.map(SpecialUse::as_str);
    tx.query(sql).bind(special_use).bind(id.0).execute().await?;
    Ok(())
}

/// Whether a mailbox has messages.
pub async fn has_messages(tx: &mut Tx, id: MailboxId) -> Result<bool, Error> {
    let sql = "SELECT uid FROM messages WHERE mailbox_id = ? LIMIT 1";
    Ok(tx.query(sql).bind(id.0).optional(|row| uid(row, 0)).await?.is_some())
}

/// Forgets a mailbox and everything known of its messages.
pub async fn delete(tx: &mut Tx, id: MailboxId) -> Result<(), Error> {
    derived::forget_all(tx, id).await?;
    looks::forget(tx, id).await?;
    snapshots::forget(tx, id).await?;
    metadata::forget_mailbox(tx, id).await?;
    acls::forget_mailbox(tx, id).await?;
    recoveries::end(tx, id).await?;
    imports::forget_mailbox(tx, id).await?;
    for sql in [
        "DELETE FROM expunged WHERE mailbox_id = ?",
        "DELETE FROM messages WHERE mailbox_id = ?",
        "DELETE FROM keywords WHERE mailbox_id = ?",
        "DELETE FROM mailboxes WHERE id = ?",
    ] {
        tx.query(sql).bind(id.0).execute().await?;
    }
    Ok(())
}

/// A mailbox by its oldest message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oldest {
    /// Which.
    pub mailbox: MailboxId,
    /// Whose.
    pub login: String,
    /// After how many days its messages go.
    pub days: u64,
    /// The first name of its files. Names begin with the time at which they were given.
    name: Option<String>,
}

impl Oldest {
    /// Whether the message may have come before this, in milliseconds since 1970.
    pub fn is_before(&self, at_ms: i64) -> bool {
        let name = self.name.as_deref().and_then(FileName::parse);
        name.is_some_and(|name| name.made_at().is_none_or(|made| made.as_millisecond() < at_ms))
    }
}

/// The mailboxes of this kind after the one named that have messages which go after some days, of users who are not deleted. `days` is for
/// users who have no rule of their own; 0: never.
pub async fn oldest(tx: &mut Tx, (kind, days): (SpecialUse, u64), after: Option<MailboxId>, limit: i64) -> Result<Vec<Oldest>, Error> {
    let own = match kind {
        SpecialUse::Junk => "u.junk_days",
        SpecialUse::Trash => "u.trash_days",
        _ => "NULL",
    };
    let days = i64::try_from(days).unwrap_or(i64::MAX);
    tx.query_built(format!(
        "SELECT m.id, u.login, (SELECT MIN(name) FROM messages WHERE messages.mailbox_id = m.id), COALESCE({own}, ?) FROM mailboxes m \
         JOIN users u ON u.id = m.user_id WHERE m.special_use = ? AND m.messages > 0 AND u.deleted_at IS NULL AND COALESCE({own}, ?) > 0 \
         AND m.id > ? ORDER BY m.id LIMIT ?"
    ))
    .bind(days)
    .bind(kind.as_str())
    .bind(days)
    .bind(after.map_or(i64::MIN, |after| after.0))
    .bind(limit)
    .all(|row| {
        Ok(Oldest {
            mailbox: MailboxId(row.integer(0)?),
            login: row.text(1)?,
            name: row.text_or_null(2)?,
            days: row.integer(3)?.unsigned_abs(),
        })
    })
    .await
}

/// From where on messages are \Recent.
pub async fn set_recent(tx: &mut Tx, id: MailboxId, from: Uid) -> Result<(), Error> {
    let sql = "UPDATE mailboxes SET recent_from = ? WHERE id = ?";
    tx.query(sql).bind(i64::from(from.0)).bind(id.0).execute().await?;
    Ok(())
}

/// Corrects the counts of messages and octets from the rows of the messages.
pub async fn recount(tx: &mut Tx, id: MailboxId) -> Result<(), Error> {
    let sql = "SELECT size FROM messages WHERE mailbox_id = ?";
    let sizes = tx.query(sql).bind(id.0).all(|row| row.integer(0)).await?;
    let sql = "UPDATE mailboxes SET messages = ?, bytes = ? WHERE id = ?";
    tx.query(sql)
        .bind(sizes.len() as i64)
        .bind(sizes.iter().sum::<i64>())
        .bind(id.0)
        .execute()
        .await?;
    Ok(())
}

/// How many messages and octets a mailbox says that it has.
pub async fn counted(tx: &mut Tx, id: MailboxId) -> Result<(u64, u64), Error> {
    let number = |row: &Row<'_>, column| u64::try_from(row.integer(column)?).map_err(|_| Error::Corrupt("mailboxes.messages"));
    let sql = "SELECT messages, bytes FROM mailboxes WHERE id = ?";
    let found = tx
        .query(sql)
        .bind(id.0)
        .optional(|row| Ok((number(row, 0)?, number(row, 1)?)))
        .await?;
    Ok(found.unwrap_or_default())
}

/// Messages and octets of each mailbox of the user.
pub async fn usage(tx: &mut Tx, user: UserId) -> Result<Vec<(u64, u64)>, Error> {
    let sql = "SELECT messages, bytes FROM mailboxes WHERE user_id = ?";
    let count = |row: &Row<'_>, column| Ok::<_, Error>(u64::try_from(row.integer(column)?).unwrap_or(0));
    tx.query(sql).bind(user.0).all(|row| Ok((count(row, 0)?, count(row, 1)?))).await
}

/// How many mailboxes a user has.
pub async fn count(tx: &mut Tx, user: UserId) -> Result<usize, Error> {
    let query = tx.query("SELECT COUNT(*) FROM mailboxes WHERE user_id = ?").bind(user.0);
    let count = query.optional(|row| row.integer(0)).await?;
    Ok(count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0))
}

/// How many names a user subscribed to.
pub async fn count_subscriptions(tx: &mut Tx, user: UserId) -> Result<usize, Error> {
    let query = tx.query("SELECT COUNT(*) FROM subscriptions WHERE user_id = ?").bind(user.0);
    let count = query.optional(|row| row.integer(0)).await?;
    Ok(count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0))
}

/// The messages and octets of all mailboxes of each of these users.
pub async fn usage_of(tx: &mut Tx, users: &[UserId]) -> Result<Vec<(UserId, u64, u64)>, Error> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let (messages, bytes) = (tx.dialect().sum("messages"), tx.dialect().sum("bytes"));
    let marks = vec!["?"; users.len()].join(", ");
    let sql = format!("SELECT user_id, {messages}, {bytes} FROM mailboxes WHERE user_id IN ({marks}) GROUP BY user_id");
    let count = |row: &Row<'_>, column| Ok::<_, Error>(u64::try_from(row.integer(column)?).unwrap_or(0));
    tx.query_built(sql)
        .bind_all(users.iter().map(|user| Value::from(user.0)))
        .all(|row| Ok((UserId(row.integer(0)?), count(row, 1)?, count(row, 2)?)))
        .await
}

/// The names that the user subscribed to.
pub async fn subscriptions(tx: &mut Tx, user: UserId) -> Result<Vec<MailboxName>, Error> {
    let sql = "SELECT name FROM subscriptions WHERE user_id = ? ORDER BY name";
    let names = tx.query(sql).bind(user.0).all(|row| row.text(0)).await?;
    Ok(names.iter().filter_map(|name| MailboxName::parse(name).ok()).collect())
}

/// Subscribes; does nothing if it was so already.
pub async fn subscribe(tx: &mut Tx, user: UserId, name: &MailboxName) -> Result<(), Error> {
    unsubscribe(tx, user, name).await?;
    let sql = "INSERT INTO subscriptions (user_id, name) VALUES (?, ?)";
    tx.query(sql).bind(user.0).bind(name.as_str()).execute().await?;
    Ok(())
}

/// Unsubscribes; does nothing if it was so already.
pub async fn unsubscribe(tx: &mut Tx, user: UserId, name: &MailboxName) -> Result<(), Error> {
    let sql = "DELETE FROM subscriptions WHERE user_id = ? AND name = ?";
    tx.query(sql).bind(user.0).bind(name.as_str()).execute().await?;
    Ok(())
}

/// Forgets all that this file keeps of a user beside mailboxes.
pub async fn forget_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    for sql in [
        "DELETE FROM subscriptions WHERE user_id = ?",
        "DELETE FROM uidvalidities WHERE user_id = ?",
    ] {
        tx.query(sql).bind(user.0).execute().await?;
    }
    metadata::forget_user(tx, user).await
}

/// The names of a mailbox's keywords, by number.
pub async fn keywords(tx: &mut Tx, id: MailboxId) -> Result<Vec<String>, Error> {
    let sql = "SELECT number, name FROM keywords WHERE mailbox_id = ? ORDER BY number";
    let rows = tx.query(sql).bind(id.0).all(|row| Ok((row.integer(0)?, row.text(1)?))).await?;
    let mut names: Vec<String> = Vec::with_capacity(rows.len());
    for (number, name) in rows {
        // A number that is missing keeps its place, so that the others keep their meaning.
        while (names.len() as i64) < number {
            names.push(String::new());
        }
        names.push(name);
    }
    Ok(names)
}

/// Names the keyword `number`. [`Error::Conflict`] if another node was quicker.
pub async fn insert_keyword(tx: &mut Tx, id: MailboxId, number: usize, name: &str) -> Result<(), Error> {
    let sql = "INSERT INTO keywords (mailbox_id, number, name) VALUES (?, ?, ?)";
    tx.query(sql).bind(id.0).bind(number as i64).bind(name).execute().await?;
    Ok(())
}
