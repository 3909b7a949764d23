//! Events.

use schemars::JsonSchema;
use serde::Deserialize;

/// Events: what happens to messages, users and domains, for programs that want to hear of it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// For how many days they are kept. 0: none are written.
    #[schemars(range(min = 0, max = 3650))]
    pub keep_days: u64,
    /// The most that are kept: older ones are dropped earlier.
    #[schemars(range(min = 1_000, max = 1_000_000_000))]
    pub max_kept: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            keep_days: 7,
            max_kept: 1_000_000,
        }
    }
}
