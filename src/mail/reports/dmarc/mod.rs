//! Reports about DMARC: how mail fared that says it is of other domains. `checks` counts ([`Tally`]).
//!
//! RFC 7489 §7.1 (who is told, and who has to agree), §7.2 (what), RFC 9990 §3 (the format).

mod count;
mod send;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use self::count::{Published, Tally};
use super::reporter::Reporter;
use super::{BadSender, Ground};
use crate::config;
use crate::mail::dns::Dns;

/// The reports. Cheap to clone.
#[derive(Clone)]
pub struct DmarcReports {
    inner: Arc<Inner>,
}

struct Inner {
    reporter: Reporter,
    /// What was counted.
    tally: Tally,
    /// Whom to ask who is told.
    dns: Dns,
    is_on: bool,
}

impl DmarcReports {
    /// Opens the reports of what `tally` has; `dns` is asked who is told.
    pub fn new(ground: Ground, tally: Tally, dns: Dns, settings: &config::Reports) -> Result<Self, BadSender> {
        let inner = Inner {
            reporter: Reporter::new(ground, settings)?,
            tally,
            dns,
            is_on: settings.dmarc,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Works until `cancel`; then keeps what was counted.
    pub async fn run(self, cancel: CancellationToken) {
        if self.inner.is_on {
            super::run(&self, cancel).await;
        }
    }
}
