//! Names to addresses.

use schemars::JsonSchema;
use serde::Deserialize;

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
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            timeout_seconds: 5,
            cache_entries: 10_000,
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
