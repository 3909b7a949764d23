//! Whom users have written to.

use schemars::JsonSchema;
use serde::Deserialize;

/// Whom users have written to: their mail is hardly spam, as far as they prove to be it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Correspondents {
    /// Whether it is remembered to whom users write, and what they send: as hashes, from which no address can be read.
    pub enabled: bool,
    /// For how many days after the last message.
    #[schemars(range(min = 1, max = 36_500))]
    pub remember_days: u64,
    /// The most of them that are kept for a user, messages sent included; the oldest go first.
    #[schemars(range(min = 10, max = 10_000_000))]
    pub max_per_user: i64,
}

impl Default for Correspondents {
    fn default() -> Self {
        Self {
            enabled: true,
            remember_days: 180,
            max_per_user: 10_000,
        }
    }
}
