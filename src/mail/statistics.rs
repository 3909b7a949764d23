//! Numbers for graphs: what there is, what came and went by the hour, how full the disk is.
//!
//! `traces` tells of every step of a message; it is counted in memory and added to the database about once a second, so that no delivery
//! waits for it. A crash loses the last second.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use super::counters::{Counters, Labels, Times};
use crate::model::clock::{Clock, timestamp};
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;
use crate::model::trace::{AttemptOutcome, Step};
use crate::store;
use crate::store::db::{Database, message_counts};

pub use crate::store::db::message_counts::Totals;

const HOUR_MS: i64 = 3_600_000;
/// Counts are kept for so many hours: somewhat more than two years.
const KEPT_HOURS: i64 = 18_000;
/// The bounds of the times that deliveries take, in seconds: from a quick one to the end of a queue.
const DELIVERY_SECONDS: [f64; 14] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3_600.0, 21_600.0, 86_400.0,
];
/// The most hours of a series.
pub const MOST_HOURS: i64 = 24 * 400;

/// What became of a message, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It came in.
    Received,
    /// It was refused at its end.
    Refused,
    /// It was stored for a user.
    Stored,
    /// It was queued for a recipient elsewhere.
    Queued,
    /// It was delivered to a recipient elsewhere.
    Sent,
    /// It was put off for a recipient elsewhere.
    Deferred,
    /// It failed for a recipient elsewhere.
    Bounced,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Received,
        Self::Refused,
        Self::Stored,
        Self::Queued,
        Self::Sent,
        Self::Deferred,
        Self::Bounced,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Refused => "refused",
            Self::Stored => "stored",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Deferred => "deferred",
            Self::Bounced => "bounced",
        }
    }

    fn of(step: &Step) -> Option<(Self, usize)> {
        match step {
            Step::Received(_) => Some((Self::Received, 1)),
            Step::Refused { .. } => Some((Self::Refused, 1)),
            Step::Stored { .. } => Some((Self::Stored, 1)),
            Step::Queued { recipients, .. } => Some((Self::Queued, *recipients)),
            Step::Attempt(attempt) => {
                let kind = match attempt.outcome {
                    AttemptOutcome::Delivered => Self::Sent,
                    AttemptOutcome::Deferred => Self::Deferred,
                    AttemptOutcome::Failed => Self::Bounced,
                };
                Some((kind, attempt.recipients.len()))
            }
            Step::Checked { .. }
            | Step::Judged { .. }
            | Step::NotJudged { .. }
            | Step::Scanned { .. }
            | Step::Milter { .. }
            | Step::Filtered { .. }
            | Step::Expanded { .. }
            | Step::NotStored { .. }
            | Step::Reported { .. }
            | Step::NotReported { .. }
            | Step::Steered { .. } => None,
        }
    }
}

/// The numbers of an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hour {
    /// When it begins.
    pub begins_at: Timestamp,
    /// How many of each kind; none is 0.
    pub counts: BTreeMap<Kind, u64>,
}

/// How full the disk is that holds the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// All octets.
    pub total_bytes: u64,
    /// Those that the server may still use.
    pub free_bytes: u64,
}

/// The numbers. Cheap to clone.
#[derive(Clone)]
pub struct Statistics {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    data_dir: PathBuf,
    clock: Clock,
    waiting: Mutex<BTreeMap<(i64, Kind), i64>>,
    since_start: SinceStart,
}

/// What this process has counted.
struct SinceStart {
    messages: Counters<Kind, 1>,
    stored: Times,
    sent: Times,
    deliveries: Family<Labels<1>, Times, fn() -> Times>,
}

impl SinceStart {
    fn new() -> Self {
        let deliveries = Family::new_with_constructor((|| Times::new(&DELIVERY_SECONDS)) as fn() -> Times);
        Self {
            messages: Counters::new(Kind::ALL, |kind| [("outcome", kind.as_str())]),
            stored: deliveries.get_or_create_owned(&[("to", "mailbox")]),
            sent: deliveries.get_or_create_owned(&[("to", "server")]),
            deliveries,
        }
    }

    fn count(&self, (id, at): (MailId, Timestamp), kind: Kind, times: u64) {
        self.messages.add(&kind, times);
        // The id of a message is made when it begins to come in.
        let took = || Duration::try_from(at.duration_since(id.at())).unwrap_or_default();
        match kind {
            Kind::Stored => self.stored.add(took(), times),
            Kind::Sent => self.sent.add(took(), times),
            Kind::Received | Kind::Refused | Kind::Queued | Kind::Deferred | Kind::Bounced => {}
        }
    }
}

impl Statistics {
    /// Opens them; `data_dir` holds the mail.
    pub fn open(database: Database, data_dir: PathBuf, clock: Clock) -> Self {
        Self {
            inner: Arc::new(Inner {
                database,
                data_dir,
                clock,
                waiting: Mutex::default(),
                since_start: SinceStart::new(),
            }),
        }
    }

    /// Counts a step of a message.
    pub(super) fn count(&self, id: MailId, at: Timestamp, step: &Step) {
        let Some((kind, times)) = Kind::of(step) else { return };
        self.inner
            .since_start
            .count((id, at), kind, u64::try_from(times).unwrap_or(u64::MAX));
        let hour = at.as_millisecond().div_euclid(HOUR_MS);
        let mut waiting = self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.entry((hour, kind)).or_default();
        *count = count.saturating_add(i64::try_from(times).unwrap_or(i64::MAX));
    }

    /// Shows what this process counts.
    pub fn register(&self, registry: &mut Registry) {
        let since_start = &self.inner.since_start;
        registry.register(
            "messages",
            "Messages that were received, refused at their end, stored for a user; recipients elsewhere that were queued, sent, deferred, bounced",
            since_start.messages.family(),
        );
        registry.register_with_unit(
            "delivery",
            "From the begin of a message to its delivery to a recipient",
            Unit::Seconds,
            since_start.deliveries.clone(),
        );
    }

    /// Writes what was counted so far.
    pub(super) async fn flush(&self) -> Result<(), store::Error> {
        let taken = std::mem::take(&mut *self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return Ok(());
        }
        let counts: Vec<_> = taken
            .into_iter()
            .map(|((hour, kind), times)| (hour, kind.as_str(), times))
            .collect();
        let mut tx = self.inner.database.write().await?;
        message_counts::add(&mut tx, &counts).await?;
        tx.commit().await
    }

    /// Forgets what is too old.
    pub(super) async fn forget(&self) -> Result<(), store::Error> {
        let hour = self.inner.clock.now_ms().div_euclid(HOUR_MS);
        let mut tx = self.inner.database.write().await?;
        message_counts::forget(&mut tx, hour.saturating_sub(KEPT_HOURS)).await?;
        tx.commit().await
    }

    /// What there is at this moment.
    pub async fn totals(&self) -> Result<Totals, Refusal> {
        Ok(message_counts::totals(&mut self.inner.database.read().await?).await?)
    }

    /// The hours from `since` to the one before `until`, each with its numbers, also those in which nothing happened. Errors: Invalid.
    pub async fn hours(&self, since: Option<Timestamp>, until: Option<Timestamp>) -> Result<Vec<Hour>, Refusal> {
        self.flush().await?;
        let hour = |at: Timestamp| at.as_millisecond().div_euclid(HOUR_MS);
        let to = until.map_or_else(|| hour(self.inner.clock.now()).saturating_add(1), hour);
        let from = since.map_or_else(|| to.saturating_sub(24), hour);
        if to.saturating_sub(from) > MOST_HOURS {
            return Err(Refusal::Invalid {
                field: "since",
                problem: format!("a series has no more than {MOST_HOURS} hours"),
            });
        }
        let rows = message_counts::list(&mut self.inner.database.read().await?, from, to).await?;
        let mut hours: BTreeMap<i64, BTreeMap<Kind, u64>> = (from..to).map(|hour| (hour, BTreeMap::new())).collect();
        for (hour, name, times) in rows {
            if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.as_str() == name) {
                hours
                    .entry(hour)
                    .or_default()
                    .insert(kind, u64::try_from(times).unwrap_or_default());
            }
        }
        let shown = |(hour, counts): (i64, BTreeMap<Kind, u64>)| Hour {
            begins_at: timestamp(hour.saturating_mul(HOUR_MS)),
            counts,
        };
        Ok(hours.into_iter().map(shown).collect())
    }

    /// How full the disk is that holds the mail.
    pub async fn disk(&self) -> Result<Disk, Refusal> {
        let path = self.inner.data_dir.clone();
        let asked = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&path));
        let found = asked.await.map_err(|_| Refusal::LATER)?.map_err(|error| {
            tracing::warn!(%error, "the disk does not say how full it is");
            Refusal::LATER
        })?;
        Ok(Disk {
            total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
            free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        })
    }
}
