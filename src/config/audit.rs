//! The audit log.

use schemars::JsonSchema;
use serde::Deserialize;

/// The audit log: who changed what over the API, at the command line, or their filters.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// For how many days its entries are kept.
    #[schemars(range(min = 1, max = 36_500))]
    pub keep_days: u64,
}

impl Default for Audit {
    fn default() -> Self {
        Self { keep_days: 365 }
    }
}
