//! The table `acls`: who may do what with the mailboxes of others (RFC 4314).

use super::mailboxes::MailboxRow;
use super::{Row, Tx, mailboxes};
use crate::model::ids::{MailboxId, UserId};
use crate::model::rights::Rights;
use crate::store::Error;

/// The identifier of all users of the owner's domain.
pub const ANYONE: &str = "anyone";

fn rights(row: &Row<'_>, column: usize) -> Result<Rights, Error> {
    Rights::parse(row.str(column)?).map_err(|_| Error::Corrupt("acls.rights"))
}

/// The rights that were given on a mailbox, by identifier.
pub async fn of_mailbox(tx: &mut Tx, mailbox: MailboxId) -> Result<Vec<(String, Rights)>, Error> {
    let sql = "SELECT identifier, rights FROM acls WHERE mailbox_id = ? ORDER BY identifier";
    tx.query(sql).bind(mailbox.0).all(|row| Ok((row.text(0)?, rights(row, 1)?))).await
}

/// What this login may do with a mailbox of another user of their domain.
pub async fn of_login(tx: &mut Tx, mailbox: MailboxId, login: &str) -> Result<Rights, Error> {
    let sql = "SELECT rights FROM acls WHERE mailbox_id = ? AND identifier IN (?, ?)";
    let all = tx
        .query(sql)
        .bind(mailbox.0)
        .bind(login)
        .bind(ANYONE)
        .all(|row| rights(row, 0))
        .await?;
    Ok(all.into_iter().fold(Rights::NONE, Rights::with))
}

/// Gives rights in the place of those that were given before; none: takes them.
pub async fn set(tx: &mut Tx, mailbox: MailboxId, identifier: &str, rights: Rights) -> Result<(), Error> {
    let sql = "DELETE FROM acls WHERE mailbox_id = ? AND identifier = ?";
    tx.query(sql).bind(mailbox.0).bind(identifier).execute().await?;
    if rights.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO acls (mailbox_id, identifier, rights, domain_id) VALUES (?, ?, ?, \
               (SELECT u.domain_id FROM mailboxes m JOIN users u ON u.id = m.user_id WHERE m.id = ?))";
    let insert = tx
        .query(sql)
        .bind(mailbox.0)
        .bind(identifier)
        .bind(rights.letters())
        .bind(mailbox.0);
    insert.execute().await?;
    Ok(())
}

/// Gives the rights on one mailbox on another that has none (RFC 4314 §4 CREATE).
pub async fn copy(tx: &mut Tx, from: MailboxId, to: MailboxId) -> Result<(), Error> {
    let sql = "INSERT INTO acls (mailbox_id, identifier, rights, domain_id) \
               SELECT ?, identifier, rights, domain_id FROM acls WHERE mailbox_id = ?";
    tx.query(sql).bind(to.0).bind(from.0).execute().await?;
    Ok(())
}

/// Forgets what was given on a mailbox.
pub async fn forget_mailbox(tx: &mut Tx, mailbox: MailboxId) -> Result<(), Error> {
    tx.query("DELETE FROM acls WHERE mailbox_id = ?").bind(mailbox.0).execute().await?;
    Ok(())
}

/// Forgets what was given to a login.
pub async fn forget_login(tx: &mut Tx, login: &str) -> Result<(), Error> {
    tx.query("DELETE FROM acls WHERE identifier = ?").bind(login).execute().await?;
    Ok(())
}

/// A mailbox of another user, with what was given on it.
pub struct SharedRow {
    /// The owner's login.
    pub login: String,
    /// The mailbox.
    pub row: MailboxRow,
    /// How many messages it has.
    pub messages: u64,
    /// What was given.
    pub rights: Rights,
}

/// Mailboxes of other users of the same domain on which this user has rights. One that was given twice is there twice.
pub async fn shared_with(tx: &mut Tx, user: UserId, login: &str) -> Result<Vec<SharedRow>, Error> {
    let sql = format!(
        "SELECT {}, u.login, m.messages, a.rights FROM acls a JOIN mailboxes m ON m.id = a.mailbox_id JOIN users u ON u.id = m.user_id \
         WHERE a.identifier IN (?, ?) AND a.domain_id = (SELECT v.domain_id FROM users v WHERE v.id = ?) AND u.enabled = 1 \
         AND u.deleted_at IS NULL AND u.id <> ?",
        mailboxes::COLUMNS
    );
    let shared = |row: &Row<'_>| {
        Ok(SharedRow {
            login: row.text(11)?,
            row: mailboxes::mailbox(row)?,
            messages: u64::try_from(row.integer(12)?).unwrap_or(0),
            rights: rights(row, 13)?,
        })
    };
    let query = tx.query_built(sql).bind(login).bind(ANYONE).bind(user.0).bind(user.0);
    query.all(shared).await
}
