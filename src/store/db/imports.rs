//! The table `imports`: how far the folders of other servers have been brought into mailboxes.

use super::mailboxes::{modseq, uid};
use super::{Row, Tx};
use crate::model::ids::{MailboxId, ModSeq, Uid, UserId};
use crate::store::Error;

/// What is known of a folder elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// A digest of the account and the folder.
    pub source: String,
    /// The folder's UIDVALIDITY; 0 if it has none.
    pub uidvalidity: u32,
    /// Messages from there keep their UIDs below this one; 0 if they get new ones.
    pub reserved: Uid,
    /// Messages there up to this UID were brought.
    pub last_uid: Uid,
    /// Flags of messages that nobody has changed here since follow those elsewhere.
    pub modseq: ModSeq,
    /// Those up to `last_uid` that were not brought, as a set of UIDs.
    pub failed: String,
}

/// What is known of it; none if nothing was brought so far.
pub async fn find(tx: &mut Tx, mailbox: MailboxId, source: &str) -> Result<Option<Import>, Error> {
    let sql = "SELECT source, uidvalidity, reserved, last_uid, modseq, failed FROM imports WHERE mailbox_id = ? AND source = ?";
    let import = |row: &Row<'_>| {
        Ok(Import {
            source: row.text(0)?,
            uidvalidity: uid(row, 1)?.0,
            reserved: uid(row, 2)?,
            last_uid: uid(row, 3)?,
            modseq: modseq(row, 4)?,
            failed: row.text(5)?,
        })
    };
    tx.query(sql).bind(mailbox.0).bind(source).optional(import).await
}

/// Stores what is known by now.
pub async fn put(tx: &mut Tx, mailbox: MailboxId, import: &Import) -> Result<(), Error> {
    tx.query("DELETE FROM imports WHERE mailbox_id = ? AND source = ?")
        .bind(mailbox.0)
        .bind(import.source.as_str())
        .execute()
        .await?;
    let sql = "INSERT INTO imports (mailbox_id, source, uidvalidity, reserved, last_uid, modseq, failed) VALUES (?, ?, ?, ?, ?, ?, ?)";
    tx.query(sql)
        .bind(mailbox.0)
        .bind(import.source.as_str())
        .bind(i64::from(import.uidvalidity))
        .bind(i64::from(import.reserved.0))
        .bind(i64::from(import.last_uid.0))
        .bind(import.modseq.0 as i64)
        .bind(import.failed.as_str())
        .execute()
        .await?;
    Ok(())
}

/// Gives a mailbox that never had a message the UIDVALIDITY of a folder elsewhere, and keeps the UIDs below `uid_next` for its messages.
/// `false`: it has, or had, a message.
pub async fn take_over(tx: &mut Tx, (user, mailbox): (UserId, MailboxId), uidvalidity: u32, uid_next: Uid) -> Result<bool, Error> {
    let sql = "UPDATE mailboxes SET uidvalidity = ?, uid_next = ?, modseq = modseq + 1 WHERE id = ? AND uid_next = 1 AND messages = 0";
    let touched = tx
        .query(sql)
        .bind(i64::from(uidvalidity))
        .bind(i64::from(uid_next.0))
        .bind(mailbox.0)
        .execute()
        .await?;
    if touched == 0 {
        return Ok(false);
    }
    // A mailbox that is made later must not have this UIDVALIDITY again.
    let sql = "UPDATE uidvalidities SET last = ? WHERE user_id = ? AND last < ?";
    let last = i64::from(uidvalidity);
    tx.query(sql).bind(last).bind(user.0).bind(last).execute().await?;
    Ok(true)
}

/// Keeps further UIDs, if no message of another source has come in the meantime. `false`: one has.
pub async fn reserve_more(tx: &mut Tx, mailbox: MailboxId, reserved: Uid, uid_next: Uid) -> Result<bool, Error> {
    let sql = "UPDATE mailboxes SET uid_next = ?, modseq = modseq + 1 WHERE id = ? AND uid_next = ?";
    let update = tx
        .query(sql)
        .bind(i64::from(uid_next.0))
        .bind(mailbox.0)
        .bind(i64::from(reserved.0));
    Ok(update.execute().await? > 0)
}

/// Forgets what was brought into a mailbox.
pub async fn forget_mailbox(tx: &mut Tx, mailbox: MailboxId) -> Result<(), Error> {
    tx.query("DELETE FROM imports WHERE mailbox_id = ?")
        .bind(mailbox.0)
        .execute()
        .await?;
    Ok(())
}
