//! Names to addresses.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check;
use super::problem::Problem;

/// Names to addresses.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dns {
    /// The resolvers to ask, as `address:port`. Empty: those of the system.
    pub servers: Vec<String>,
    /// How many seconds to wait for an answer.
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u64,
    /// How many answers are kept in memory.
    #[schemars(range(min = 0, max = 10_000_000))]
    pub cache_entries: u64,
    /// Whether the answers that delivery needs are validated with DNSSEC, which DANE takes for granted: `auto`, `on` or `off`. The
    /// server validates itself and believes no flag of the resolvers, but they must hand the signatures through, as Unbound and BIND
    /// do and many a router does not. `auto` tries that out with the root before the first delivery: if it does not work, a warning
    /// is logged, answers are taken as they come, there is no DANE, and it is tried again every ten minutes; once it has worked it
    /// stays on until the server ends. `on` never goes without: behind a resolver that does not hand signatures through all mail waits.
    /// With both, mail to a domain whose signatures are wrong waits.
    pub dnssec: Dnssec,
    /// A file of DNSKEY records that are trusted instead of the root's keys, for a private root.
    #[schemars(example = "root.key")]
    pub trust_anchor: Option<PathBuf>,
}

/// Whether answers are validated with DNSSEC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dnssec {
    /// If the resolvers hand the signatures through.
    Auto,
    /// Always; what cannot be validated is no answer.
    On,
    /// Never.
    Off,
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            timeout_seconds: 5,
            cache_entries: 10_000,
            dnssec: Dnssec::Auto,
            trust_anchor: None,
        }
    }
}

impl Dns {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        self.servers
            .iter()
            .try_for_each(|server| check::socket_address(server).map_err(|text| Problem::new("servers", text)))
    }
}
