//! Mailboxes whose messages may have UIDs that are known beside them and not in the database, since it was lost or put back to an older one.

use super::Tx;
use super::mailboxes::uid;
use crate::model::ids::{MailboxId, ModSeq, Uid};
use crate::store::Error;

/// The UIDs below this one may be known beside the messages of a mailbox; none if they all are in the database.
pub async fn find(tx: &mut Tx, mailbox: MailboxId) -> Result<Option<Uid>, Error> {
    let query = tx.query("SELECT known_below FROM recoveries WHERE mailbox_id = ?").bind(mailbox.0);
    query.optional(|row| uid(row, 0)).await
}

/// Begins anew with a mailbox: UIDs go on from `uid_next`, above all that were ever given, and modseqs from one that is above all that there
/// were. Whoever knew the mailbox before looks at all of it.
pub async fn begin(tx: &mut Tx, mailbox: MailboxId, (known_below, uid_next): (Uid, Uid), modseq: ModSeq) -> Result<(), Error> {
    let sql = "UPDATE mailboxes SET uid_next = ?, recent_from = ?, modseq = ?, expunged_forgotten = ? WHERE id = ?";
    tx.query(sql)
        .bind(i64::from(uid_next.0))
        .bind(i64::from(uid_next.0))
        .bind(modseq.0 as i64)
        .bind(modseq.0 as i64)
        .bind(mailbox.0)
        .execute()
        .await?;
    end(tx, mailbox).await?;
    let sql = "INSERT INTO recoveries (mailbox_id, known_below) VALUES (?, ?)";
    tx.query(sql).bind(mailbox.0).bind(i64::from(known_below.0)).execute().await?;
    Ok(())
}

/// All UIDs are in the database.
pub async fn end(tx: &mut Tx, mailbox: MailboxId) -> Result<(), Error> {
    tx.query("DELETE FROM recoveries WHERE mailbox_id = ?")
        .bind(mailbox.0)
        .execute()
        .await?;
    Ok(())
}
