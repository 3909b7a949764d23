//! The REST API.

use schemars::JsonSchema;
use serde::Deserialize;

/// The REST API.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// How many threads answer requests. 0: one for each core, at most 4.
    #[schemars(range(min = 0, max = 1024))]
    pub workers: usize,
    /// The most octets of a JSON request.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub max_json_bytes: usize,
    /// The most items of a batch.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_batch_items: u64,
    /// How many requests a caller (a user or an API key) may make in a minute, on each node. 0: any number.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub requests_per_minute: u64,
    /// How many requests an address (of IPv6: one /64) may make in a minute without a valid token, on each node. 0: any number.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub guest_requests_per_minute: u64,
    /// For how many hours the reply to a request with an `Idempotency-Key` is kept, to be given again.
    #[schemars(range(min = 1, max = 8760))]
    pub idempotency_hours: u64,
    /// The origins whose pages browsers let use the API, such as `https://panel.example.org`; `*` is all of them. Empty: none.
    pub cors_origins: Vec<String>,
    /// The most octets of a submission in JSON, with its attachments in base64. A message that is larger can be sent as it is.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub max_submission_json_bytes: usize,
    /// The most octets of such submissions that are in memory at the same time, of all callers together; who comes then is asked to try
    /// again later.
    #[schemars(range(min = 1024, max = 1_099_511_627_776_u64))]
    pub large_body_bytes: usize,
    /// How many requests may wait for messages at the same time.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_waiting: usize,
    /// How many seconds a request may wait for a message.
    #[schemars(range(min = 1, max = 3600))]
    pub max_wait_seconds: u64,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            workers: 0,
            max_json_bytes: 1_048_576,
            max_batch_items: 100_000,
            requests_per_minute: 600_000,
            guest_requests_per_minute: 6_000,
            idempotency_hours: 24,
            cors_origins: Vec::new(),
            max_submission_json_bytes: 36_700_160,
            large_body_bytes: 134_217_728,
            max_waiting: 1_000,
            max_wait_seconds: 300,
        }
    }
}
