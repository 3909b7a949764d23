//! The stories of messages.

use schemars::JsonSchema;
use serde::Deserialize;

/// The stories of messages: what happened to each, which `posthouse trace` tells.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Trace {
    /// For how many days they are kept. 0: none are written.
    #[schemars(range(min = 0, max = 3650))]
    pub keep_days: u64,
}

impl Default for Trace {
    fn default() -> Self {
        Self { keep_days: 14 }
    }
}
