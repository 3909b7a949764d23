//! Viruses: who looks for them, and what is done with mail that has one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check;
use super::problem::Problem;

/// Viruses: who looks for them, and what is done with mail that has one.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Virus {
    /// Where ClamAV's clamd listens: the path of its socket, such as `"/run/clamav/clamd.ctl"`, or a host and a port, such as
    /// `"127.0.0.1:3310"`. Empty: mail is not scanned.
    pub clamd_address: String,
    /// What is done with mail from elsewhere that has a virus. What users send is refused, whatever is said here.
    pub action: VirusAction,
    /// What becomes of mail that clamd could not scan.
    pub on_failure: VirusFailure,
    /// Whether what users send is scanned too.
    pub scan_submissions: bool,
    /// The most octets of a message that are scanned, from its begin; no more than `StreamMaxLength` in clamd's configuration.
    #[schemars(range(min = 65_536, max = 4_294_967_295_i64))]
    pub max_scan_bytes: u64,
    /// How many seconds a message may take, with the time that it waits for its turn.
    #[schemars(range(min = 1, max = 600))]
    pub timeout_seconds: u64,
    /// How many messages are scanned at a time; no more than `MaxThreads` in clamd's configuration. Others wait.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_connections: usize,
}

/// What is done with mail that has a virus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VirusAction {
    /// It is refused, while its sender's server still listens.
    Reject,
    /// It goes into the mailbox for junk, with the name of its virus in its header.
    Junk,
}

/// What becomes of mail that could not be scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VirusFailure {
    /// It is taken as it comes.
    Accept,
    /// Its sender's server is asked to try again later.
    Tempfail,
}

impl Default for Virus {
    fn default() -> Self {
        Self {
            clamd_address: String::new(),
            action: VirusAction::Reject,
            on_failure: VirusFailure::Tempfail,
            scan_submissions: true,
            max_scan_bytes: 26_214_400,
            timeout_seconds: 60,
            max_connections: 10,
        }
    }
}

impl Virus {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        if self.clamd_address.is_empty() {
            return Ok(());
        }
        check::neighbour(&self.clamd_address).map_err(|text| Problem::new("clamd_address", text))
    }
}
