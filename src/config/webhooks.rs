//! Webhooks.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::network::Network;

/// Webhooks: programs elsewhere that are told of events.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// Whether events may be posted without TLS, which others on the way can read.
    pub allow_http: bool,
    /// Networks of this machine or house to which events may be posted, such as `10.0.0.0/8`. Addresses of the internet always are.
    pub allow_networks: Vec<Network>,
    /// How many seconds an attempt may take.
    #[schemars(range(min = 1, max = 120))]
    pub timeout_seconds: u64,
    /// Seconds until the second attempt; each later wait is twice the one before, with some chance in it.
    #[schemars(range(min = 1, max = 86_400))]
    pub retry_first_seconds: u64,
    /// The longest wait between two attempts, in seconds.
    #[schemars(range(min = 1, max = 604_800))]
    pub retry_max_seconds: u64,
    /// After how many seconds an event that could not be told is given up.
    #[schemars(range(min = 1, max = 2_592_000))]
    pub expire_seconds: u64,
    /// After how many seconds in which nothing arrived a webhook is disabled.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub disable_after_seconds: u64,
    /// The most webhooks.
    #[schemars(range(min = 0, max = 10_000))]
    pub max_webhooks: usize,
    /// For how many days it is kept what was posted, and how that went.
    #[schemars(range(min = 1, max = 365))]
    pub keep_days: u64,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            allow_http: false,
            allow_networks: Vec::new(),
            timeout_seconds: 15,
            retry_first_seconds: 10,
            retry_max_seconds: 14_400,
            expire_seconds: 259_200,
            disable_after_seconds: 432_000,
            max_webhooks: 200,
            keep_days: 7,
        }
    }
}
