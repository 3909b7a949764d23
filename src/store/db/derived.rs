//! What was made from messages once and is kept until they go: their structures, the header fields that lists of messages
//! show, the begin of their texts, their object ids.

use std::collections::BTreeSet;

use super::mailboxes::uid;
use super::{Tx, Value};
use crate::model::ids::{MailboxId, Uid};
use crate::store::Error;

/// What is kept; each kind has a table of its own, since it is read on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derived {
    /// The structure, encoded.
    Structure,
    /// The fields of the header that lists show, as they stand.
    Header,
    /// The begin of the text.
    Preview,
    /// What EMAILID and THREADID are made of.
    Object,
}

/// A statement on the table of a kind.
macro_rules! on {
    ($kind:expr, $before:literal, $after:literal) => {
        match $kind {
            Derived::Structure => concat!($before, " structures ", $after),
            Derived::Header => concat!($before, " headers ", $after),
            Derived::Preview => concat!($before, " previews ", $after),
            Derived::Object => concat!($before, " objects ", $after),
        }
    };
}

const ALL: [Derived; 4] = [Derived::Structure, Derived::Header, Derived::Preview, Derived::Object];

/// What is kept of the messages between two UIDs.
pub async fn between(tx: &mut Tx, kind: Derived, mailbox: MailboxId, (first, last): (Uid, Uid)) -> Result<Vec<(Uid, Vec<u8>)>, Error> {
    let sql = on!(
        kind,
        "SELECT uid, data FROM",
        "WHERE mailbox_id = ? AND uid BETWEEN ? AND ? ORDER BY uid"
    );
    tx.query(sql)
        .bind(mailbox.0)
        .bind(i64::from(first.0))
        .bind(i64::from(last.0))
        .all(|row| Ok((uid(row, 0)?, row.blob(1)?)))
        .await
}

/// Keeps these, but for messages of which it is kept already: two sessions may have read the same message.
pub async fn insert(tx: &mut Tx, kind: Derived, mailbox: MailboxId, made: Vec<(Uid, Vec<u8>)>) -> Result<(), Error> {
    let uids = || made.iter().map(|(uid, _)| i64::from(uid.0));
    let sql = on!(kind, "SELECT uid FROM", "WHERE mailbox_id = ? AND uid BETWEEN ? AND ?");
    let known = tx
        .query(sql)
        .bind(mailbox.0)
        .bind(uids().min().unwrap_or(0))
        .bind(uids().max().unwrap_or(0))
        .all(|row| uid(row, 0))
        .await?;
    let known: BTreeSet<Uid> = known.into_iter().collect();
    let mut values: Vec<Value> = Vec::with_capacity(made.len() * 3);
    for (uid, data) in made.into_iter().filter(|(uid, _)| !known.contains(uid)) {
        values.push(mailbox.0.into());
        values.push(i64::from(uid.0).into());
        values.push(data.into());
    }
    let sql = on!(kind, "INSERT INTO", "(mailbox_id, uid, data) VALUES");
    tx.insert_many(sql, 3, values).await?;
    Ok(())
}

/// Drops all that is kept of the messages between two UIDs.
pub async fn forget(tx: &mut Tx, mailbox: MailboxId, (first, last): (Uid, Uid)) -> Result<(), Error> {
    for kind in ALL {
        tx.query(on!(kind, "DELETE FROM", "WHERE mailbox_id = ? AND uid BETWEEN ? AND ?"))
            .bind(mailbox.0)
            .bind(i64::from(first.0))
            .bind(i64::from(last.0))
            .execute()
            .await?;
    }
    Ok(())
}

/// Drops all that is kept of the messages of a mailbox.
pub async fn forget_all(tx: &mut Tx, mailbox: MailboxId) -> Result<(), Error> {
    for kind in ALL {
        tx.query(on!(kind, "DELETE FROM", "WHERE mailbox_id = ?"))
            .bind(mailbox.0)
            .execute()
            .await?;
    }
    Ok(())
}
