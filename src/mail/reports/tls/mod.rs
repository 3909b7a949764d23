//! Reports about TLS: what became of the sessions with other domains' servers. `dispatch` notes the outcomes of its deliveries
//! ([`TlsReports::note`]).
//!
//! RFC 8460 §3 (who is told), §4 (what), §5 (how).

mod count;
mod send;

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use self::count::Counts;
use super::reporter::Reporter;
use super::{BadSender, Ground};
use crate::config;
use crate::mail::relay::{Outcome, Relay};
use crate::model::address::Domain;
use crate::model::clock::DAY_MS;

/// The reports. Cheap to clone.
#[derive(Clone)]
pub struct TlsReports {
    inner: Arc<Inner>,
}

struct Inner {
    reporter: Reporter,
    /// Whose name servers and HTTPS client are used.
    relay: Relay,
    is_on: bool,
    counts: Mutex<Counts>,
}

impl TlsReports {
    /// Opens the reports.
    pub fn new(ground: Ground, relay: Relay, settings: &config::Reports) -> Result<Self, BadSender> {
        let inner = Inner {
            reporter: Reporter::new(ground, settings)?,
            relay,
            is_on: settings.tls,
            counts: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Counts what became of the sessions with the servers of a domain.
    pub fn note(&self, domain: &Domain, outcomes: &[Outcome]) {
        if !self.inner.is_on || outcomes.is_empty() {
            return;
        }
        let day = self.inner.reporter.ground.clock.now_ms().div_euclid(DAY_MS);
        let mut counts = self.inner.counts.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.iter().for_each(|outcome| counts.add(day, domain, outcome));
    }

    /// Works until `cancel`; then keeps what was counted.
    pub async fn run(self, cancel: CancellationToken) {
        if self.inner.is_on {
            super::run(&self, cancel).await;
        }
    }
}
