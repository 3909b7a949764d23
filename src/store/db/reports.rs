//! The days that DMARC and TLS reports are about, whatever was counted: which are due, and who takes one on.
//!
//! The tables `dmarc_results` and `tls_results` have what was counted, `dmarc_reports` and `tls_reports` which reports were taken on.

use super::{Error, Tx};
use crate::model::address::Domain;

/// What is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// How mail fared by the policies of its authors' domains.
    Dmarc,
    /// What became of TLS towards other domains.
    Tls,
}

impl Kind {
    fn table(self) -> &'static str {
        match self {
            Self::Dmarc => "dmarc",
            Self::Tls => "tls",
        }
    }
}

/// Days before this one with a domain of which there is something to report, at most so many.
pub async fn due(tx: &mut Tx, kind: Kind, before: i64, limit: i64) -> Result<Vec<(i64, Domain)>, Error> {
    let table = kind.table();
    tx.query_built(format!(
        "SELECT DISTINCT day, domain FROM {table}_results WHERE day < ? ORDER BY day, domain LIMIT ?"
    ))
    .bind(before)
    .bind(limit)
    .all(|row| {
        let domain = Domain::parse(&row.text(1)?).map_err(|_| Error::Corrupt("a domain to report to"))?;
        Ok((row.integer(0)?, domain))
    })
    .await
}

/// Takes a report on; false if somebody else did.
pub async fn take(tx: &mut Tx, kind: Kind, day: i64, domain: &Domain) -> Result<bool, Error> {
    let insert = tx.dialect().insert_or_ignore(match kind {
        Kind::Dmarc => "INTO dmarc_reports (day, domain) VALUES (?, ?)",
        Kind::Tls => "INTO tls_reports (day, domain) VALUES (?, ?)",
    });
    let touched = tx.query_built(insert).bind(day).bind(domain.as_str()).execute().await?;
    Ok(touched > 0)
}

/// Forgets what was counted of a domain and day, and that reports of days before `kept_from` were taken on.
pub async fn forget(tx: &mut Tx, kind: Kind, day: i64, domain: &Domain, kept_from: i64) -> Result<(), Error> {
    let table = kind.table();
    tx.query_built(format!("DELETE FROM {table}_results WHERE day = ? AND domain = ?"))
        .bind(day)
        .bind(domain.as_str())
        .execute()
        .await?;
    tx.query_built(format!("DELETE FROM {table}_reports WHERE day < ?"))
        .bind(kept_from)
        .execute()
        .await
        .map(drop)
}
