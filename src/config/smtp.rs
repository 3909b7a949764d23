//! Receiving over SMTP, submission and LMTP.

use schemars::JsonSchema;
use serde::Deserialize;

/// Receiving over SMTP, submission and LMTP.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Smtp {
    /// The largest message, in octets.
    #[schemars(range(min = 1, max = 1_099_511_627_776_i64))]
    pub max_message_bytes: u64,
    /// The most recipients of a message.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_recipients: usize,
    /// The longest command line, in octets (RFC 5321 §4.5.3.1.4 wants at least 512; parameters and AUTH need more).
    #[schemars(range(min = 512, max = 1_048_576))]
    pub max_line_bytes: usize,
    /// How many wrong commands end a session.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_errors: u32,
    /// How many messages one session may bring. 0: no bound.
    pub max_messages_per_session: u32,
    /// How many seconds to wait for a command, from the end of the one before to its own (RFC 5321 §4.5.3.2.7 wants 300).
    #[schemars(range(min = 1, max = 86_400))]
    pub command_timeout_seconds: u64,
    /// How many seconds to wait for more of a message.
    #[schemars(range(min = 1, max = 86_400))]
    pub data_timeout_seconds: u64,
    /// The fewest octets a second of a message: each that comes buys its time, up to `smtp.data_timeout_seconds`, and when that is
    /// used up the session ends. 0: any.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub min_data_rate: u64,
    /// How many Received lines a message may have before it is taken for a loop.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_received: usize,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            max_message_bytes: 52_428_800,
            max_recipients: 1000,
            max_line_bytes: 4096,
            max_errors: 20,
            max_messages_per_session: 0,
            command_timeout_seconds: 300,
            data_timeout_seconds: 180,
            min_data_rate: 500,
            max_received: 50,
        }
    }
}
