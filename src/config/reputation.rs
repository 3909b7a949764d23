//! What is remembered of addresses, networks and domains.

use schemars::JsonSchema;
use serde::Deserialize;

/// Reputation: how much spam and other mail came from an address, its network, and a sender's domain that was proved.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reputation {
    /// Whether it is remembered, and counts.
    pub enabled: bool,
    /// How many messages must have come before it counts; what it counts grows with their number.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_messages: u32,
    /// After how many days a message counts half.
    #[schemars(range(min = 1, max = 3_650))]
    pub half_life_days: u64,
    /// The most addresses, networks and domains that are kept; those of which nothing was heard for the longest time go first.
    #[schemars(range(min = 1_000, max = 1_000_000_000))]
    pub max_entries: i64,
}

impl Default for Reputation {
    fn default() -> Self {
        Self {
            enabled: true,
            min_messages: 10,
            half_life_days: 14,
            max_entries: 1_000_000,
        }
    }
}
