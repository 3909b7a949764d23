//! How the directories of mailboxes were when they were last seen to agree with their messages.

use super::Tx;
use crate::model::ids::{MailboxId, ModSeq};
use crate::store::Error;

/// When `new` and `cur` had last changed, in nanoseconds since 1970.
pub type Changed = [i64; 2];

/// What was noted, if no message has changed since.
pub async fn find(tx: &mut Tx, mailbox: MailboxId, modseq: ModSeq) -> Result<Option<Changed>, Error> {
    let sql = "SELECT new_changed, cur_changed FROM looks WHERE mailbox_id = ? AND modseq = ?";
    let query = tx.query(sql).bind(mailbox.0).bind(modseq.0 as i64);
    query.optional(|row| Ok([row.integer(0)?, row.integer(1)?])).await
}

/// Notes it.
pub async fn note(tx: &mut Tx, mailbox: MailboxId, modseq: ModSeq, [new, cur]: Changed) -> Result<(), Error> {
    let update = tx.dialect().or_update(&["mailbox_id"], &["modseq", "new_changed", "cur_changed"]);
    let sql = "INSERT INTO looks (mailbox_id, modseq, new_changed, cur_changed) VALUES (?, ?, ?, ?)";
    let query = tx.query_built(format!("{sql}{update}")).bind(mailbox.0).bind(modseq.0 as i64);
    query.bind(new).bind(cur).execute().await?;
    Ok(())
}

/// Forgets it.
pub async fn forget(tx: &mut Tx, mailbox: MailboxId) -> Result<(), Error> {
    tx.query("DELETE FROM looks WHERE mailbox_id = ?").bind(mailbox.0).execute().await?;
    Ok(())
}
