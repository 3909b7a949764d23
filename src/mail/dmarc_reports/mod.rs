//! Reports about DMARC: how mail fared that says it is of other domains, counted by day, and told to those that ask for it.
//!
//! `checks` counts ([`Tally`]) in memory, which is added to the database every [`FLUSH_EVERY`]. When a day is over, one node takes on each
//! domain's report, and sends it by mail. What a server that is killed had not flushed is not reported.
//!
//! RFC 7489 §7.1 (who is told, and who has to agree), §7.2 (what), RFC 9990 §3 (the format).

mod count;
mod send;

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use count::{Published, Tally};

use super::dns::Dns;
use super::intake::Intake;
use super::sign::Signing;
use crate::config;
use crate::model::address::EmailAddress;
use crate::model::clock::Clock;
use crate::store;
use crate::store::db::{Database, dmarc_reports as rows};

/// How often counts go to the database.
const FLUSH_EVERY: Duration = Duration::from_secs(30);
/// How often it is looked whether reports are due.
const LOOK_EVERY: Duration = Duration::from_mins(10);
const DAY_MS: i64 = 86_400_000;

/// The reports. Cheap to clone.
#[derive(Clone)]
pub struct DmarcReports {
    inner: Arc<Inner>,
}

struct Inner {
    ground: Ground,
    settings: config::Reports,
    from: EmailAddress,
    /// How long after midnight reports are sent.
    delay_ms: i64,
}

/// What the reports stand on.
pub struct Ground {
    /// Where counts are kept.
    pub database: Database,
    /// What was counted.
    pub tally: Tally,
    /// Whom to ask who is told.
    pub dns: Dns,
    /// How they are sent.
    pub intake: Intake,
    /// What signs them.
    pub signing: Signing,
    /// The name of this server.
    pub hostname: String,
    /// The time.
    pub clock: Clock,
}

/// The configuration leads to no sender of reports: a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("reports.from: {0}")]
pub struct BadSender(String);

impl DmarcReports {
    /// Opens the reports.
    pub fn new(ground: Ground, settings: config::Reports) -> Result<Self, BadSender> {
        let from = match settings.from.as_str() {
            "" => format!("postmaster@{}", ground.hostname),
            from => from.to_owned(),
        };
        let minutes = rand::rng().random_range(0..=settings.max_delay_minutes);
        let inner = Inner {
            from: EmailAddress::parse(&from).map_err(|bad| BadSender(format!("'{from}': {bad}")))?,
            delay_ms: i64::try_from(minutes.saturating_mul(60_000)).unwrap_or(i64::MAX),
            ground,
            settings,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Works until `cancel`; then keeps what was counted.
    pub async fn run(self, cancel: CancellationToken) {
        if !self.inner.settings.dmarc {
            return;
        }
        let mut since_look = LOOK_EVERY;
        loop {
            if since_look >= LOOK_EVERY {
                since_look = Duration::ZERO;
                if let Err(error) = self.send_due(&cancel).await {
                    tracing::error!(%error, "cannot look for DMARC reports that are due");
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
        if let Err(error) = self.write().await {
            tracing::error!(%error, "how mail fared by DMARC is not counted");
        }
    }

    async fn write(&self) -> Result<(), store::Error> {
        let counts = self.inner.ground.tally.take();
        if counts.is_empty() {
            return Ok(());
        }
        let mut tx = self.inner.ground.database.write().await?;
        for (way, messages) in &counts {
            rows::add(&mut tx, way, &count::digest(way), *messages).await?;
        }
        tx.commit().await
    }
}
