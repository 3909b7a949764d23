//! Bounds on connections.

use schemars::JsonSchema;
use serde::Deserialize;

/// Bounds on connections.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most connections at a time, over all listeners but HTTP.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_connections: usize,
    /// The most connections at a time from one address (of IPv6: one /64). One more is told so, or closed without a word where TLS comes
    /// first. 0: no bound.
    #[schemars(range(min = 0, max = 10_000_000))]
    pub max_connections_per_address: usize,
    /// How many seconds the transactions in flight have to finish when the server is stopped.
    #[schemars(range(min = 0, max = 3600))]
    pub shutdown_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_connections_per_address: 100,
            shutdown_seconds: 20,
        }
    }
}
