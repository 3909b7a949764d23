//! What users may send.

use schemars::JsonSchema;
use serde::Deserialize;

/// What users may send, over submission and the API. A password that was stolen must not send a million messages.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Submission {
    /// Whether From must be there and name only addresses that the user may send with (RFC 6409 §8.1).
    pub check_from: bool,
    /// The most messages of a user in an hour. 0: no bound.
    #[schemars(range(min = 0, max = 1_000_000_000_000_i64))]
    pub messages_per_hour: u64,
    /// The most messages of a user in a day. 0: no bound.
    #[schemars(range(min = 0, max = 1_000_000_000_000_i64))]
    pub messages_per_day: u64,
    /// The most recipients of a user's messages in an hour. 0: no bound.
    #[schemars(range(min = 0, max = 1_000_000_000_000_i64))]
    pub recipients_per_hour: u64,
    /// The most recipients of a user's messages in a day. 0: no bound.
    #[schemars(range(min = 0, max = 1_000_000_000_000_i64))]
    pub recipients_per_day: u64,
}

impl Default for Submission {
    fn default() -> Self {
        Self {
            check_from: true,
            messages_per_hour: 1_000,
            messages_per_day: 5_000,
            recipients_per_hour: 5_000,
            recipients_per_day: 20_000,
        }
    }
}
