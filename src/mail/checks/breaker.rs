//! What keeps mail going where no name server answers: the time for questions is cut short until one does.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use crate::mail::dns::{Dns, NoAnswer};

/// How long questions may take meanwhile: enough for what is known already.
const SHORT: Duration = Duration::from_millis(20);
/// How long it is waited for the answer that every resolver has, and how long questions may take as long as it is not known whether one
/// answers.
const PROBE: Duration = Duration::from_secs(3);
/// How many milliseconds pass between two tries whether somebody answers.
const PAUSE_MS: i64 = 5_000;

/// Whether a name server answers at all.
#[derive(Default)]
pub(in crate::mail) struct Breaker {
    /// It was found out.
    is_known: AtomicBool,
    /// Nobody answers.
    is_open: AtomicBool,
    is_probing: AtomicBool,
    /// Milliseconds since 1970.
    next_probe: AtomicI64,
}

impl Breaker {
    /// Whether it is known that nobody answers.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Whether it is known that somebody answers.
    pub(in crate::mail) fn is_closed(&self) -> bool {
        self.is_known.load(Ordering::Relaxed) && !self.is_open()
    }

    /// How long the questions about a message may take, which is `usual` where somebody answers.
    pub(super) fn patience(&self, usual: Duration) -> Duration {
        match (self.is_known.load(Ordering::Relaxed), self.is_open.load(Ordering::Relaxed)) {
            (_, true) => SHORT.min(usual),
            (false, _) => PROBE.min(usual),
            (true, false) => usual,
        }
    }

    /// Whether it is time to find out.
    pub(in crate::mail) fn is_due(&self, now_ms: i64) -> bool {
        self.next_probe.load(Ordering::Relaxed) <= now_ms
    }

    /// Asks for the root, of which every resolver knows. A sender can make the questions about their own message fail, but not this one.
    /// `without` says what follows where nobody answers.
    pub(in crate::mail) async fn probe(&self, dns: &Dns, now_ms: i64, without: &str) {
        if self.is_probing.swap(true, Ordering::Relaxed) {
            return;
        }
        self.next_probe.store(now_ms.saturating_add(PAUSE_MS), Ordering::Relaxed);
        let answer = timeout(PROBE, dns.txt(".")).await;
        let is_open = matches!(answer, Err(_) | Ok(Err(NoAnswer::Temporary { .. })));
        if self.is_open.swap(is_open, Ordering::Relaxed) != is_open {
            match is_open {
                true => tracing::warn!("no name server answers: {without}"),
                false => tracing::info!("a name server answers again"),
            }
        }
        self.is_known.store(true, Ordering::Relaxed);
        self.is_probing.store(false, Ordering::Relaxed);
    }
}
