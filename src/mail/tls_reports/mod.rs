//! Reports about TLS: what became of the sessions with other domains' servers, counted by day, and told to those that ask for it.
//!
//! `dispatch` notes the outcomes of its deliveries ([`TlsReports::note`]); they are counted in memory and added to the database every
//! [`FLUSH_EVERY`]. When a day is over, one node takes on each domain's report, and sends it by mail or HTTPS. What a server that is
//! killed had not flushed is not reported.
//!
//! RFC 8460 §3 (who is told), §4 (what), §5 (how).

mod count;
mod send;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::count::Counts;
use super::intake::Intake;
use super::relay::{Outcome, Relay};
use super::sign::Signing;
use crate::config;
use crate::model::address::{Domain, EmailAddress};
use crate::model::clock::Clock;
use crate::store;
use crate::store::db::{Database, tls_reports as rows};

/// How often counts go to the database.
const FLUSH_EVERY: Duration = Duration::from_secs(30);
/// How often it is looked whether reports are due.
const LOOK_EVERY: Duration = Duration::from_mins(10);
const DAY_MS: i64 = 86_400_000;

/// The reports. Cheap to clone.
#[derive(Clone)]
pub struct TlsReports {
    inner: Arc<Inner>,
}

struct Inner {
    ground: Ground,
    settings: config::Reports,
    from: EmailAddress,
    /// How long after midnight reports are sent.
    delay_ms: i64,
    counts: Mutex<Counts>,
}

/// What the reports stand on.
pub struct Ground {
    pub database: Database,
    pub relay: Relay,
    pub intake: Intake,
    pub signing: Signing,
    pub clock: Clock,
}

/// The configuration leads to no sender of reports: a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("reports.from: {0}")]
pub struct BadSender(String);

impl TlsReports {
    /// Opens the reports.
    pub fn new(ground: Ground, settings: config::Reports) -> Result<Self, BadSender> {
        let from = match settings.from.as_str() {
            "" => format!("postmaster@{}", ground.relay.hostname()),
            from => from.to_owned(),
        };
        let minutes = rand::rng().random_range(0..=settings.max_delay_minutes);
        let inner = Inner {
            from: EmailAddress::parse(&from).map_err(|bad| BadSender(format!("'{from}': {bad}")))?,
            delay_ms: i64::try_from(minutes.saturating_mul(60_000)).unwrap_or(i64::MAX),
            ground,
            settings,
            counts: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Counts what became of the sessions with the servers of a domain.
    pub fn note(&self, domain: &Domain, outcomes: &[Outcome]) {
        if !self.inner.settings.tls || outcomes.is_empty() {
            return;
        }
        let day = self.inner.ground.clock.now_ms().div_euclid(DAY_MS);
        let mut counts = self.inner.counts.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.iter().for_each(|outcome| counts.add(day, domain, outcome));
    }

    /// Works until `cancel`; then keeps what was counted.
    pub async fn run(self, cancel: CancellationToken) {
        if !self.inner.settings.tls {
            return;
        }
        let mut since_look = LOOK_EVERY;
        loop {
            if since_look >= LOOK_EVERY {
                since_look = Duration::ZERO;
                if let Err(error) = self.send_due(&cancel).await {
                    tracing::error!(%error, "cannot look for TLS reports that are due");
                }
            }
            tokio::select! {
                () = cancel.cancelled() => break,
                () = sleep(FLUSH_EVERY) => since_look += FLUSH_EVERY,
            }
            self.flush().await;
        }
        self.flush().await;
    }

    /// Adds what was counted to the database.
    async fn flush(&self) {
        let taken = std::mem::take(&mut *self.inner.counts.lock().unwrap_or_else(PoisonError::into_inner));
        if let Err(error) = self.write(&taken).await {
            tracing::error!(%error, "what became of TLS sessions is not counted");
        }
    }

    async fn write(&self, counts: &Counts) -> Result<(), store::Error> {
        if counts.is_empty() {
            return Ok(());
        }
        let mut tx = self.inner.ground.database.write().await?;
        for (way, sessions) in counts.ways() {
            rows::add(&mut tx, way, &count::digest(way), sessions).await?;
        }
        tx.commit().await
    }
}
