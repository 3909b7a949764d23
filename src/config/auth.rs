//! Passwords and tokens.

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;

/// Passwords and tokens.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// How many password hashes may be computed at the same time. 0: one for each core.
    #[schemars(range(min = 0, max = 1024))]
    pub parallel_hashes: usize,
    /// For how many seconds a successful login is remembered, so that it is not hashed again. 0: never.
    #[schemars(range(min = 0, max = 86_400))]
    pub cache_seconds: u64,
    /// How many seconds an access token of the API is good for.
    #[schemars(range(min = 1, max = 86_400))]
    pub access_token_seconds: u64,
    /// How many seconds a refresh token of the API is good for.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub refresh_token_seconds: u64,
    /// The shortest password that may be set.
    #[schemars(range(min = 1, max = 256))]
    pub min_password_length: usize,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            parallel_hashes: 0,
            cache_seconds: 60,
            access_token_seconds: 900,
            refresh_token_seconds: 1_209_600,
            min_password_length: 8,
        }
    }
}

impl Auth {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        if self.refresh_token_seconds >= self.access_token_seconds {
            return Ok(());
        }
        Err(Problem::new(
            "refresh_token_seconds",
            format!(
                "is {}; right would be no less than auth.access_token_seconds ({})",
                self.refresh_token_seconds, self.access_token_seconds
            ),
        ))
    }
}
