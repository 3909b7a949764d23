//! Reports of others about domains here: taken out of the mail that carries them, kept, and shown.
//!
//! `intake` hands over what came for the addresses of `reports.received_at` ([`ReceivedReports::take_in`]) after it was stored as any
//! mail; the API and the command line read them. Only so many octets of a report are unpacked, one report at a time; what cannot be
//! read, or is about no domain here, is passed over.
//!
//! RFC 7489 §7.2 (DMARC), RFC 8460 §5.3 (TLS).

mod read;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::directory::{Directory, Page};
use crate::config;
use crate::model::address::{Domain, EmailAddress};
use crate::model::clock::Clock;
use crate::model::ids::ReportId;
use crate::model::refusal::Refusal;
use crate::model::report::{ReceivedReport, ReportKind};
use crate::store::db::{Database, received_reports as rows};
use crate::wire::dmarc::steps;
use crate::wire::message::header;

/// The most reports on a page.
const MOST: usize = 1_000;

/// The reports of others. Cheap to clone.
#[derive(Clone)]
pub struct ReceivedReports {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    directory: Directory,
    settings: config::Reports,
    clock: Clock,
    /// One report is unpacked at a time.
    turn: Semaphore,
}

impl ReceivedReports {
    /// Opens the reports.
    pub fn open(database: Database, directory: Directory, settings: config::Reports, clock: Clock) -> Self {
        Self {
            inner: Arc::new(Inner {
                database,
                directory,
                settings,
                clock,
                turn: Semaphore::new(1),
            }),
        }
    }

    /// Whether a message of this size and header, for this address, is looked at.
    pub fn concern(&self, address: &EmailAddress, header: &[u8], size: u64) -> bool {
        let settings = &self.inner.settings;
        let is_here = settings.received_at.iter().any(|place| match place.contains('@') {
            true => place.eq_ignore_ascii_case(&address.to_string()),
            false => place.eq_ignore_ascii_case(address.local()),
        });
        is_here && size <= settings.max_report_bytes && looks_like_one(header)
    }

    /// Takes a report out of a message and keeps it. What goes wrong is told in the log: the message itself is stored.
    pub async fn take_in(&self, octets: Vec<u8>) {
        let Ok(_turn) = self.inner.turn.acquire().await else { return };
        let most = usize::try_from(self.inner.settings.max_report_bytes).unwrap_or(usize::MAX);
        let read = tokio::task::spawn_blocking(move || read::report(&octets, most)).await;
        let report = match read {
            Ok(Some(report)) => report,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "a report could not be read"),
        };
        if let Err(refusal) = self.keep(report).await {
            tracing::warn!(%refusal, "a report could not be kept");
        }
    }

    async fn keep(&self, report: ReceivedReport) -> Result<(), Refusal> {
        if !self.is_ours(&report.domain).await? {
            tracing::info!(domain = %report.domain, "a report about a domain that is not here");
            return Ok(());
        }
        let mut hash = Sha256::new();
        for part in [report.organization.as_str(), &report.report_id, report.domain.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mark: String = hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect();
        let mut tx = self.inner.database.write().await?;
        rows::insert(&mut tx, &report, &mark).await?;
        let days = i64::try_from(self.inner.settings.keep_days).unwrap_or(i64::MAX);
        let kept = SignedDuration::from_hours(days.saturating_mul(24));
        let first = self.inner.clock.now().saturating_sub(kept).unwrap_or(Timestamp::MIN);
        rows::forget(&mut tx, ReportId::earliest(first)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whether the domain, or one that it is below of, is one of ours.
    async fn is_ours(&self, domain: &Domain) -> Result<bool, Refusal> {
        for step in steps(domain.as_str()) {
            let Ok(name) = Domain::parse(step) else { continue };
            match self.inner.directory.domain(&name).await {
                Ok(_) => return Ok(true),
                Err(Refusal::NotFound { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(false)
    }

    /// A page of reports, the newest first, without what they say in detail. `domains`: only those about them.
    pub async fn list(
        &self,
        kind: ReportKind,
        domains: Option<Vec<Domain>>,
        before: Option<ReportId>,
        limit: usize,
    ) -> Result<Page<ReceivedReport>, Refusal> {
        let limit = limit.clamp(1, MOST);
        let which = rows::Which { kind, domains, before };
        let most = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
        let mut items = rows::page(&mut self.inner.database.read().await?, &which, most).await?;
        let is_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| is_more).map(|report| report.id.to_string());
        Ok(Page { items, next })
    }

    /// A report with all that it says. Errors: NotFound.
    pub async fn show(&self, kind: ReportKind, id: ReportId) -> Result<ReceivedReport, Refusal> {
        let found = rows::find(&mut self.inner.database.read().await?, kind, id).await?;
        found.ok_or_else(|| Refusal::NotFound {
            what: "report",
            name: id.to_string(),
        })
    }
}

/// The subject that both kinds have (RFC 7489 §7.2.1.1, RFC 8460 §5.3).
fn looks_like_one(block: &[u8]) -> bool {
    // Some encode it, though there is no need.
    let subject = header::decode_text(header::find(block, "Subject").unwrap_or_default()).to_ascii_lowercase();
    subject.contains("report domain")
        || header::find(block, "TLS-Report-Domain").is_some()
        || header::find(block, "Content-Type").is_some_and(|kind| memchr::memmem::find(&kind.to_ascii_lowercase(), b"tlsrpt").is_some())
}
