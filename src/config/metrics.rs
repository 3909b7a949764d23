//! Numbers for Prometheus.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::network::Network;

/// Numbers for Prometheus, at `GET /metrics` of the HTTP listeners.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Networks whose clients read them without a token. Who comes from elsewhere, or through a proxy that says so (`Forwarded`,
    /// `X-Forwarded-For`), needs the token of a server administrator, or an API key with the scope `server:read`.
    pub allow_from: Vec<Network>,
    /// For how many seconds the numbers that the database is asked for (the queue, what there is) are good.
    #[schemars(range(min = 0, max = 3600))]
    pub cache_seconds: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            allow_from: vec![Network::LOOPBACK_V4, Network::LOOPBACK_V6],
            cache_seconds: 10,
        }
    }
}
