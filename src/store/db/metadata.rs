//! The table `metadata`: annotations of mailboxes and of the server (RFC 5464).

use super::Tx;
use crate::model::ids::{MailId, MailboxId, UserId};
use crate::store::Error;

/// Where annotations are kept together: those of a mailbox that belong to a user. Both may be 0: of the server, shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shelf {
    /// The mailbox, or the server.
    pub mailbox: MailboxId,
    /// The user, or everybody.
    pub user: UserId,
}

/// The entries of a shelf with the octets of their values, by name.
pub async fn list(tx: &mut Tx, shelf: Shelf) -> Result<Vec<(String, u64)>, Error> {
    let sql = "SELECT entry, LENGTH(content) FROM metadata WHERE mailbox_id = ? AND user_id = ? ORDER BY entry";
    let query = tx.query(sql).bind(shelf.mailbox.0).bind(shelf.user.0);
    query
        .all(|row| Ok((row.text(0)?, u64::try_from(row.integer(1)?).unwrap_or(0))))
        .await
}

/// The value of an entry.
pub async fn find(tx: &mut Tx, shelf: Shelf, entry: &str) -> Result<Option<Vec<u8>>, Error> {
    let sql = "SELECT content FROM metadata WHERE mailbox_id = ? AND user_id = ? AND entry = ?";
    let query = tx.query(sql).bind(shelf.mailbox.0).bind(shelf.user.0).bind(entry);
    query.optional(|row| row.blob(0)).await
}

/// Gives an entry a value, whether or not it had one.
pub async fn set(tx: &mut Tx, shelf: Shelf, entry: &str, content: &[u8]) -> Result<(), Error> {
    remove(tx, shelf, entry).await?;
    let sql = "INSERT INTO metadata (mailbox_id, user_id, entry, content, version) VALUES (?, ?, ?, ?, ?)";
    tx.query(sql)
        .bind(shelf.mailbox.0)
        .bind(shelf.user.0)
        .bind(entry)
        .bind(content)
        .bind(MailId::fresh().0)
        .execute()
        .await?;
    Ok(())
}

/// Removes an entry, if it is there.
pub async fn remove(tx: &mut Tx, shelf: Shelf, entry: &str) -> Result<(), Error> {
    let sql = "DELETE FROM metadata WHERE mailbox_id = ? AND user_id = ? AND entry = ?";
    let query = tx.query(sql).bind(shelf.mailbox.0).bind(shelf.user.0).bind(entry);
    query.execute().await?;
    Ok(())
}

/// Copies the annotations of a mailbox to one that has none.
pub async fn copy(tx: &mut Tx, from: MailboxId, to: MailboxId) -> Result<(), Error> {
    let sql = "INSERT INTO metadata (mailbox_id, user_id, entry, content, version) \
               SELECT ?, user_id, entry, content, version FROM metadata WHERE mailbox_id = ?";
    tx.query(sql).bind(to.0).bind(from.0).execute().await?;
    Ok(())
}

/// Removes all of a mailbox.
pub async fn forget_mailbox(tx: &mut Tx, mailbox: MailboxId) -> Result<(), Error> {
    tx.query("DELETE FROM metadata WHERE mailbox_id = ?")
        .bind(mailbox.0)
        .execute()
        .await?;
    Ok(())
}

/// Removes all that belongs to a user alone.
pub async fn forget_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    tx.query("DELETE FROM metadata WHERE user_id = ?").bind(user.0).execute().await?;
    Ok(())
}

/// The entries that a user sees of their mailboxes, or of the server (mailbox 0), with their versions.
pub async fn versions(tx: &mut Tx, user: UserId) -> Result<Vec<(MailboxId, String, i64)>, Error> {
    let sql = "SELECT d.mailbox_id, d.entry, d.version FROM metadata d WHERE d.user_id IN (0, ?) AND \
               (d.mailbox_id = 0 OR d.mailbox_id IN (SELECT m.id FROM mailboxes m WHERE m.user_id = ?))";
    let query = tx.query(sql).bind(user.0).bind(user.0);
    query
        .all(|row| Ok((MailboxId(row.integer(0)?), row.text(1)?, row.integer(2)?)))
        .await
}
