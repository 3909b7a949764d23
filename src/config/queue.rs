//! The queue of outgoing mail.

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;

/// The queue of outgoing mail.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    /// Seconds until the second try; each later wait is twice the one before, with some chance in it.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub retry_first_seconds: u64,
    /// The longest wait between two tries, in seconds.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub retry_max_seconds: u64,
    /// After how many seconds a message that could not be delivered is returned.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub expire_seconds: u64,
    /// After how many seconds in the queue the sender is told, once, that the message is late but still tried. 0: never.
    #[schemars(range(min = 0, max = 31_536_000))]
    pub delay_notice_seconds: u64,
    /// How many messages of one sender (a user, or an address whose mail is forwarded) leave in a minute: a tenth of them at once, the
    /// rest at even distances, while others wait in the queue. Each node counts for itself; reports are not counted. 0: no bound.
    pub sender_messages_per_minute: u64,
    /// The most messages in the queue. 0: no bound.
    pub max_messages: u64,
    /// For how many seconds a node claims what it delivers; it renews its claims three times as often. So long does the mail that a
    /// killed node had in hand wait for another node, where several share a database.
    #[schemars(range(min = 5, max = 3600))]
    pub lease_seconds: u64,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            retry_first_seconds: 300,
            retry_max_seconds: 14_400,
            expire_seconds: 432_000,
            delay_notice_seconds: 14_400,
            sender_messages_per_minute: 0,
            max_messages: 0,
            lease_seconds: 60,
        }
    }
}

impl Queue {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        if self.retry_first_seconds <= self.retry_max_seconds {
            return Ok(());
        }
        Err(Problem::new(
            "retry_first_seconds",
            format!(
                "is {}; right would be no more than queue.retry_max_seconds ({})",
                self.retry_first_seconds, self.retry_max_seconds
            ),
        ))
    }
}
