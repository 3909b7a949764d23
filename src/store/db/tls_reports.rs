//! The table `tls_results`: what became of TLS towards other domains, by day, until it is reported.

use super::{Error, Tx};
use crate::model::address::Domain;

/// One way in which sessions with the servers of a domain went on a day.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Way {
    /// Days since 1970, in UTC.
    pub day: i64,
    /// The domain.
    pub domain: String,
    /// The policy, as JSON.
    pub policy: String,
    /// What went wrong; empty: nothing.
    pub failure: String,
    /// The server.
    pub host: String,
    /// Its address.
    pub receiving_ip: String,
    /// Ours.
    pub sending_ip: String,
}

/// Adds so many sessions that went this way; `digest` tells it from other ways of the domain and day.
pub async fn add(tx: &mut Tx, way: &Way, digest: &str, sessions: i64) -> Result<(), Error> {
    let touched = tx
        .query("UPDATE tls_results SET sessions = sessions + ? WHERE day = ? AND domain = ? AND digest = ?")
        .bind(sessions)
        .bind(way.day)
        .bind(way.domain.as_str())
        .bind(digest)
        .execute()
        .await?;
    if touched > 0 {
        return Ok(());
    }
    tx.query(
        "INSERT INTO tls_results (day, domain, digest, policy, failure, host, receiving_ip, sending_ip, sessions) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(way.day)
    .bind(way.domain.as_str())
    .bind(digest)
    .bind(way.policy.as_str())
    .bind(way.failure.as_str())
    .bind(way.host.as_str())
    .bind(way.receiving_ip.as_str())
    .bind(way.sending_ip.as_str())
    .bind(sessions)
    .execute()
    .await
    .map(drop)
}

/// The ways of a domain on a day, with how many sessions went each, by policy.
pub async fn ways(tx: &mut Tx, day: i64, domain: &Domain, limit: i64) -> Result<Vec<(Way, i64)>, Error> {
    tx.query(
        "SELECT policy, failure, host, receiving_ip, sending_ip, sessions FROM tls_results WHERE day = ? AND domain = ? \
         ORDER BY policy, failure, digest LIMIT ?",
    )
    .bind(day)
    .bind(domain.as_str())
    .bind(limit)
    .all(|row| {
        let way = Way {
            day,
            domain: domain.to_string(),
            policy: row.text(0)?,
            failure: row.text(1)?,
            host: row.text(2)?,
            receiving_ip: row.text(3)?,
            sending_ip: row.text(4)?,
        };
        Ok((way, row.integer(5)?))
    })
    .await
}
