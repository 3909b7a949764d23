//! Looking for viruses: each message that comes in is shown to ClamAV's clamd, if the configuration says where that is.
//!
//! `intake` asks once for each message ([`Virus::scan`]). The message goes to clamd in pieces as it lies in memory or on the disk; a
//! bounded number of messages are under way at a time. No message is lost because of it: what comes of no answer is a setting.

mod clamd;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::clamd::{Clamd, Error};
use super::neighbour::Neighbour;
use crate::config;
use crate::mail::counters::Counters;
use crate::mail::mailbox::Draft;
use crate::model::refusal::Refusal;

/// Who looks for viruses. Cheap to clone.
#[derive(Clone)]
pub struct Virus {
    /// None: nobody does.
    clamd: Option<Clamd>,
    settings: Arc<config::Virus>,
    turns: Arc<Semaphore>,
    counted: Counters<Came, 1>,
}

/// What came of looking at a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// Nothing was found.
    Clean,
    /// It has the virus of this name.
    Infected(String),
    /// It could not be looked at, and is taken all the same: why.
    Failed(String),
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Clean,
    Infected,
    Failed,
}

impl Came {
    const ALL: [Self; 3] = [Self::Clean, Self::Infected, Self::Failed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Infected => "infected",
            Self::Failed => "failed",
        }
    }
}

impl Virus {
    /// Connects to nobody yet.
    pub fn open(settings: &config::Virus) -> Self {
        let address = Some(&settings.clamd_address).filter(|address| !address.is_empty());
        Self {
            clamd: address.map(|address| Clamd::new(Neighbour::parse(address), settings.max_scan_bytes)),
            turns: Arc::new(Semaphore::new(settings.max_connections)),
            settings: Arc::new(settings.clone()),
            counted: Counters::new(Came::ALL, |came| [("result", came.as_str())]),
        }
    }

    /// Whether anybody looks at mail at all.
    pub fn is_on(&self) -> bool {
        self.clamd.is_some()
    }

    /// Whether what users send is looked at too.
    pub fn concerns_users(&self) -> bool {
        self.is_on() && self.settings.scan_submissions
    }

    /// Whether mail from elsewhere that has a virus is refused.
    pub fn refuses(&self) -> bool {
        self.settings.action == config::VirusAction::Reject
    }

    /// Looks at a message; none where nobody does. Errors: TryLater, where what cannot be looked at is not taken.
    pub(in crate::mail) async fn scan(&self, draft: &Draft) -> Result<Option<Scanned>, Refusal> {
        let Some(clamd) = &self.clamd else { return Ok(None) };
        let asked = async {
            let _turn = self.turns.acquire().await;
            clamd.scan(draft).await
        };
        let found = timeout(self.time(), asked).await.unwrap_or(Err(Error::TimedOut));
        let (came, scanned) = match found {
            Ok(None) => (Came::Clean, Ok(Scanned::Clean)),
            Ok(Some(name)) => (Came::Infected, Ok(Scanned::Infected(name))),
            Err(error) => {
                tracing::warn!(%error, "a message is not scanned for viruses");
                let taken = match self.settings.on_failure {
                    config::VirusFailure::Accept => Ok(Scanned::Failed(error.to_string())),
                    config::VirusFailure::Tempfail => Err(Refusal::LATER),
                };
                (Came::Failed, taken)
            }
        };
        self.counted.add(&came, 1);
        scanned.map(Some)
    }

    /// Whether clamd answers: its address and its version, or what is wrong; none where there is none.
    pub async fn examine(&self) -> Option<(String, Result<String, String>)> {
        let clamd = self.clamd.as_ref()?;
        let said = timeout(self.time(), clamd.version()).await.unwrap_or(Err(Error::TimedOut));
        Some((clamd.address().to_string(), said.map_err(|error| error.to_string())))
    }

    /// Shows its counters.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("virus_scans", "Messages that were looked at for viruses", self.counted.family());
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.settings.timeout_seconds)
    }
}
