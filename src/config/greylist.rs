//! Mail that is put off.

use schemars::JsonSchema;
use serde::Deserialize;

/// Greylisting: doubtful mail of strangers is put off once with 451, since most of those who send spam do not come again (RFC 6647).
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Greylist {
    /// The score from which a message is put off, as long as it is below `spam.junk`. Never put off are those on the allowlist, users'
    /// correspondents, domains that are known for good mail and proved, and what comes by LMTP or from private addresses. 0: nothing is put off.
    #[schemars(range(min = 0, max = 1000))]
    pub score: f64,
    /// After how many seconds it is taken when it comes again.
    #[schemars(range(min = 0, max = 86_400))]
    pub delay_seconds: u64,
    /// For how many hours it is waited that it comes again.
    #[schemars(range(min = 1, max = 720))]
    pub wait_hours: u64,
    /// For how many days after their last mail the network and the sender's domain of those that came again are not put off any more.
    #[schemars(range(min = 1, max = 3_650))]
    pub remember_days: u64,
    /// The most of these that are kept; with more, nothing is put off.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max_entries: i64,
}

impl Default for Greylist {
    fn default() -> Self {
        Self {
            score: 4.0,
            delay_seconds: 300,
            wait_hours: 24,
            remember_days: 36,
            max_entries: 1_000_000,
        }
    }
}
