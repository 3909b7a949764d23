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
}

impl Default for Http {
    fn default() -> Self {
        Self {
            workers: 0,
            max_json_bytes: 1_048_576,
        }
    }
}
