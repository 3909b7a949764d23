//! The table `dmarc_results`: what became of mail by the policies of its authors' domains, by day, until it is reported.

use super::{Error, Tx};
use crate::model::address::Domain;

/// One way in which mail of a domain fared on a day.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Way {
    /// Days since 1970, in UTC.
    pub day: i64,
    /// Whose policy it was.
    pub domain: String,
    /// The policy, as JSON.
    pub policy: String,
    /// Who sent it, and what was found, as JSON.
    pub record: String,
}

/// Adds so many messages that fared this way; `digest` tells it from other ways of the domain and day.
pub async fn add(tx: &mut Tx, way: &Way, digest: &str, messages: i64) -> Result<(), Error> {
    let touched = tx
        .query("UPDATE dmarc_results SET messages = messages + ? WHERE day = ? AND domain = ? AND digest = ?")
        .bind(messages)
        .bind(way.day)
        .bind(way.domain.as_str())
        .bind(digest)
        .execute()
        .await?;
    if touched > 0 {
        return Ok(());
    }
    tx.query("INSERT INTO dmarc_results (day, domain, digest, policy, record, messages) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(way.day)
        .bind(way.domain.as_str())
        .bind(digest)
        .bind(way.policy.as_str())
        .bind(way.record.as_str())
        .bind(messages)
        .execute()
        .await
        .map(drop)
}

/// The ways of a domain on a day, with how many messages fared so, the most frequent first.
pub async fn ways(tx: &mut Tx, day: i64, domain: &Domain, limit: i64) -> Result<Vec<(Way, i64)>, Error> {
    tx.query("SELECT policy, record, messages FROM dmarc_results WHERE day = ? AND domain = ? ORDER BY messages DESC, digest LIMIT ?")
        .bind(day)
        .bind(domain.as_str())
        .bind(limit)
        .all(|row| {
            let way = Way {
                day,
                domain: domain.to_string(),
                policy: row.text(0)?,
                record: row.text(1)?,
            };
            Ok((way, row.integer(2)?))
        })
        .await
}
