//! Reports to other domains: how their mail fared and what became of TLS towards them, told each day to those that ask for it.
//!
//! [`dmarc`] and [`tls`] count in memory, which is added to the database every [`FLUSH_EVERY`]. When a day is over, one node takes on each
//! domain's report, and sends it. What a server that is killed had not flushed is not reported.

pub mod dmarc;
mod reporter;
pub mod tls;

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::reporter::Reporter;
pub use self::reporter::{BadSender, Ground};
use super::dns::NoAnswer;
use crate::model::address::Domain;
use crate::model::clock::DAY_MS;
use crate::store;
use crate::store::db::Tx;
use crate::store::db::reports::{self as rows, Kind};

/// How often counts go to the database.
const FLUSH_EVERY: Duration = Duration::from_secs(30);
/// How often it is looked whether reports are due.
const LOOK_EVERY: Duration = Duration::from_mins(10);
/// How many reports are sent at a look.
const MOST_AT_ONCE: i64 = 500;
/// How many ways of a domain and day are reported.
const MOST_WAYS: i64 = 2_000;
/// What is older, in days, is no news any more.
const OLDEST: i64 = 3;

/// Reports of one kind.
trait Daily: Sync {
    /// The kind.
    const KIND: Kind;
    /// One way in which things went on a day.
    type Way: Send;
    /// Where a report goes.
    type Destination: Send + Sync;

    fn reporter(&self) -> &Reporter;

    /// Adds what was counted to the database.
    fn write(&self) -> impl Future<Output = Result<(), store::Error>> + Send;

    /// Where the domain wants its reports.
    fn destinations(&self, domain: &Domain) -> impl Future<Output = Result<Vec<Self::Destination>, NoAnswer>> + Send;

    /// What was counted of a domain on a day.
    fn ways(tx: &mut Tx, day: i64, domain: &Domain) -> impl Future<Output = Result<Vec<(Self::Way, i64)>, store::Error>> + Send;

    /// Sends the report that is made of the ways.
    fn send(
        &self,
        day: i64,
        domain: &Domain,
        ways: Vec<(Self::Way, i64)>,
        destinations: &[Self::Destination],
    ) -> impl Future<Output = ()> + Send;
}

/// Works until `cancel`; then keeps what was counted.
async fn run(reports: &impl Daily, cancel: CancellationToken) {
    let mut since_look = LOOK_EVERY;
    loop {
        if since_look >= LOOK_EVERY {
            since_look = Duration::ZERO;
            send_due(reports, &cancel).await;
        }
        tokio::select! {
            () = cancel.cancelled() => break,
            () = sleep(FLUSH_EVERY) => since_look += FLUSH_EVERY,
        }
        flush(reports).await;
    }
    flush(reports).await;
}

async fn flush<R: Daily>(reports: &R) {
    if let Err(error) = reports.write().await {
        tracing::error!(%error, reports = ?R::KIND, "what was counted for reports cannot be kept");
    }
}

/// Sends the reports of the days that are over.
async fn send_due<R: Daily>(reports: &R, cancel: &CancellationToken) {
    let today = reports.reporter().today();
    let due = async {
        let mut tx = reports.reporter().ground.database.read().await?;
        rows::due(&mut tx, R::KIND, today, MOST_AT_ONCE).await
    };
    let sent = async {
        for (day, domain) in due.await? {
            if cancel.is_cancelled() {
                break;
            }
            send_one(reports, day, &domain, today).await?;
        }
        Ok::<_, store::Error>(())
    };
    if let Err(error) = sent.await {
        tracing::error!(%error, reports = ?R::KIND, "cannot look for reports that are due");
    }
}

async fn send_one<R: Daily>(reports: &R, day: i64, domain: &Domain, today: i64) -> Result<(), store::Error> {
    let destinations = match reports.destinations(domain).await {
        Ok(destinations) => destinations,
        // Later it may be found out.
        Err(_) if day >= today.saturating_sub(OLDEST) => return Ok(()),
        Err(_) => Vec::new(),
    };
    let mut tx = reports.reporter().ground.database.write().await?;
    if !rows::take(&mut tx, R::KIND, day, domain).await? {
        return Ok(());
    }
    let ways = match destinations.is_empty() {
        true => Vec::new(),
        false => R::ways(&mut tx, day, domain).await?,
    };
    rows::forget(&mut tx, R::KIND, day, domain, today.saturating_sub(2 * OLDEST)).await?;
    tx.commit().await?;
    if !ways.is_empty() {
        reports.send(day, domain, ways, &destinations).await;
    }
    Ok(())
}

/// The first second of a day, since 1970.
fn begin_of(day: i64) -> i64 {
    day.saturating_mul(DAY_MS / 1_000)
}

/// The last second of a day, since 1970 (RFC 8460 §4.4).
fn end_of(day: i64) -> i64 {
    begin_of(day.saturating_add(1)).saturating_sub(1)
}
