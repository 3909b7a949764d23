//! The table `access_lists`.

use super::{Error, Row, Tx};
use crate::model::access::{AccessEntry, AccessList, Subject};
use crate::model::clock::timestamp;

macro_rules! columns {
    () => {
        "subject, note, created_at, ends_at"
    };
}

const fn number(list: AccessList) -> i64 {
    match list {
        AccessList::Block => 0,
        AccessList::Allow => 1,
    }
}

fn entry(row: &Row<'_>) -> Result<AccessEntry, Error> {
    Ok(AccessEntry {
        subject: row.str(0)?.parse().map_err(|_| Error::Corrupt("access_lists.subject"))?,
        note: row.text(1)?,
        created_at: timestamp(row.integer(2)?),
        ends_at: row.integer_or_null(3)?.map(timestamp),
    })
}

/// An entry, whether it has ended or not.
pub async fn find(tx: &mut Tx, list: AccessList, subject: &Subject) -> Result<Option<AccessEntry>, Error> {
    tx.query(concat!("SELECT ", columns!(), " FROM access_lists WHERE list = ? AND subject = ?"))
        .bind(number(list))
        .bind(subject.to_string())
        .optional(entry)
        .await
}

/// At most `limit` entries that hold at this moment, whose subjects come after `after`, in the order of their text.
pub async fn page(tx: &mut Tx, list: AccessList, (after, now_ms): (&str, i64), limit: i64) -> Result<Vec<AccessEntry>, Error> {
    tx.query(concat!(
        "SELECT ",
        columns!(),
        " FROM access_lists WHERE list = ? AND subject > ? AND (ends_at IS NULL OR ends_at > ?) ORDER BY subject LIMIT ?"
    ))
    .bind(number(list))
    .bind(after)
    .bind(now_ms)
    .bind(limit)
    .all(entry)
    .await
}

/// Puts an entry in the place of the one of the same subject.
pub async fn put(tx: &mut Tx, list: AccessList, entry: &AccessEntry) -> Result<(), Error> {
    delete(tx, list, &entry.subject).await?;
    tx.query(concat!("INSERT INTO access_lists (", columns!(), ", list) VALUES (?, ?, ?, ?, ?)"))
        .bind(entry.subject.to_string())
        .bind(&*entry.note)
        .bind(entry.created_at.as_millisecond())
        .bind(entry.ends_at.map(|at| at.as_millisecond()))
        .bind(number(list))
        .execute()
        .await
        .map(drop)
}

/// Removes an entry.
pub async fn delete(tx: &mut Tx, list: AccessList, subject: &Subject) -> Result<(), Error> {
    tx.query("DELETE FROM access_lists WHERE list = ? AND subject = ?")
        .bind(number(list))
        .bind(subject.to_string())
        .execute()
        .await
        .map(drop)
}

/// Forgets those that ended before this moment.
pub async fn forget(tx: &mut Tx, before_ms: i64) -> Result<u64, Error> {
    tx.query("DELETE FROM access_lists WHERE ends_at < ?")
        .bind(before_ms)
        .execute()
        .await
}
