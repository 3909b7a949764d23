//! Large mailboxes as they were at some modseq, packed: see `mail::mailbox`.

use super::mailboxes::modseq;
use super::{Row, Tx};
use crate::model::ids::{MailboxId, ModSeq};
use crate::store::Error;

/// A part of a mailbox as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which it is, from 0.
    pub number: i64,
    /// How many there are.
    pub parts: i64,
    /// When it was so.
    pub modseq: ModSeq,
    /// The messages, packed.
    pub data: Vec<u8>,
}

fn part(row: &Row<'_>) -> Result<Part, Error> {
    Ok(Part {
        number: row.integer(0)?,
        parts: row.integer(1)?,
        modseq: modseq(row, 2)?,
        data: row.blob(3)?,
    })
}

/// The parts of a mailbox, where all of them are of one moment; none otherwise.
pub async fn find(tx: &mut Tx, mailbox: MailboxId) -> Result<Vec<Part>, Error> {
    let sql = "SELECT number, parts, modseq, data FROM snapshots WHERE mailbox_id = ? ORDER BY number";
    let parts = tx.query(sql).bind(mailbox.0).all(part).await?;
    let is_whole = |first: &Part| {
        let fits = |(it, at): (&Part, i64)| it.number == at && it.parts == parts.len() as i64 && it.modseq == first.modseq;
        parts.iter().zip(0..).all(fits)
    };
    Ok(if parts.first().is_some_and(is_whole) { parts } else { Vec::new() })
}

/// Keeps a part in the place of the one with its number; with the last of them, those go that were behind it.
pub async fn put(tx: &mut Tx, mailbox: MailboxId, part: &Part) -> Result<(), Error> {
    let update = tx.dialect().or_update(&["mailbox_id", "number"], &["parts", "modseq", "data"]);
    let sql = "INSERT INTO snapshots (mailbox_id, number, parts, modseq, data) VALUES (?, ?, ?, ?, ?)";
    let query = tx
        .query_built(format!("{sql}{update}"))
        .bind(mailbox.0)
        .bind(part.number)
        .bind(part.parts);
    query.bind(part.modseq.0 as i64).bind(part.data.clone()).execute().await?;
    if part.number + 1 == part.parts {
        let sql = "DELETE FROM snapshots WHERE mailbox_id = ? AND number >= ?";
        tx.query(sql).bind(mailbox.0).bind(part.parts).execute().await?;
    }
    Ok(())
}

/// Forgets what was kept of a mailbox.
pub async fn forget(tx: &mut Tx, mailbox: MailboxId) -> Result<(), Error> {
    tx.query("DELETE FROM snapshots WHERE mailbox_id = ?")
        .bind(mailbox.0)
        .execute()
        .await?;
    Ok(())
}
