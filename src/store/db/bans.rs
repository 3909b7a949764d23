//! The tables `bans` and `defence_version`.

use super::{Error, Row, Tx};
use crate::model::access::Ban;
use crate::model::clock::timestamp;
use crate::model::network::Network;

macro_rules! columns {
    () => {
        "network, reason, automatic, times, created_at, ends_at"
    };
}

fn ban(row: &Row<'_>) -> Result<Ban, Error> {
    Ok(Ban {
        network: row.str(0)?.parse().map_err(|_| Error::Corrupt("bans.network"))?,
        reason: row.text(1)?,
        is_automatic: row.integer(2)? != 0,
        times: u32::try_from(row.integer(3)?).unwrap_or(u32::MAX),
        created_at: timestamp(row.integer(4)?),
        ends_at: row.integer_or_null(5)?.map(timestamp),
    })
}

/// The number of changes of bans and lists so far.
pub async fn version(tx: &mut Tx) -> Result<i64, Error> {
    tx.query("SELECT version FROM defence_version WHERE id = 1")
        .optional(|row| row.integer(0))
        .await?
        .ok_or(Error::Corrupt("defence_version.version"))
}

/// Counts a change. Whoever else wants to make one waits for the end of this transaction.
pub async fn bump_version(tx: &mut Tx) -> Result<(), Error> {
    tx.query("UPDATE defence_version SET version = version + 1 WHERE id = 1")
        .execute()
        .await
        .map(drop)
}

/// The ban of a network, whether it has ended or not.
pub async fn find(tx: &mut Tx, network: Network) -> Result<Option<Ban>, Error> {
    tx.query(concat!("SELECT ", columns!(), " FROM bans WHERE network = ?"))
        .bind(network.to_string())
        .optional(ban)
        .await
}

/// At most `limit` bans that hold at this moment, whose networks come after `after`, in the order of their text.
pub async fn page(tx: &mut Tx, after: &str, now_ms: i64, limit: i64) -> Result<Vec<Ban>, Error> {
    tx.query(concat!(
        "SELECT ",
        columns!(),
        " FROM bans WHERE network > ? AND (ends_at IS NULL OR ends_at > ?) ORDER BY network LIMIT ?"
    ))
    .bind(after)
    .bind(now_ms)
    .bind(limit)
    .all(ban)
    .await
}

/// Puts a ban in the place of the one of the same network.
pub async fn put(tx: &mut Tx, ban: &Ban) -> Result<(), Error> {
    delete(tx, ban.network).await?;
    tx.query(concat!("INSERT INTO bans (", columns!(), ") VALUES (?, ?, ?, ?, ?, ?)"))
        .bind(ban.network.to_string())
        .bind(&*ban.reason)
        .bind(i64::from(ban.is_automatic))
        .bind(i64::from(ban.times))
        .bind(ban.created_at.as_millisecond())
        .bind(ban.ends_at.map(|at| at.as_millisecond()))
        .execute()
        .await
        .map(drop)
}

/// Removes a ban, and that there was one.
pub async fn delete(tx: &mut Tx, network: Network) -> Result<(), Error> {
    tx.query("DELETE FROM bans WHERE network = ?")
        .bind(network.to_string())
        .execute()
        .await
        .map(drop)
}

/// Forgets those that ended before this moment.
pub async fn forget(tx: &mut Tx, before_ms: i64) -> Result<u64, Error> {
    tx.query("DELETE FROM bans WHERE ends_at < ?").bind(before_ms).execute().await
}
