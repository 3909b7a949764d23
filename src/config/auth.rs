//! Passwords and tokens.

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;
use crate::model::network::Network;

/// Passwords and tokens.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// How many password hashes may be computed at the same time. 0: one for each core.
    #[schemars(range(min = 0, max = 1024))]
    pub parallel_hashes: usize,
    /// How many of these one address (of IPv6: one /64) may have at the same time. 0: half of them.
    #[schemars(range(min = 0, max = 1024))]
    pub parallel_hashes_per_address: usize,
    /// Whether SCRAM-SHA-256 is offered. New passwords, and those that people next log in with, are then kept as keys of SCRAM too, which
    /// a thief of the database can try passwords on faster than on argon2id hashes; and whoever has none yet cannot log in by SCRAM.
    pub scram: bool,
    /// How often a password is hashed for these keys; each login by SCRAM costs the client as much (RFC 7677 §4 wants at least 4096).
    #[schemars(range(min = 4096, max = 1_000_000))]
    pub scram_iterations: u32,
    /// For how many seconds a successful login is remembered, so that it is not hashed again. 0: never.
    #[schemars(range(min = 0, max = 86_400))]
    pub cache_seconds: u64,
    /// For how many seconds a wrong password is remembered: a client that repeats it costs nothing and is no further failure. 0: never.
    #[schemars(range(min = 0, max = 86_400))]
    pub wrong_cache_seconds: u64,
    /// How many logins from one address (of IPv6: one /64) may fail before further ones wait: 1, 2, 4, 8, … seconds. It does not
    /// hold for an account and an address from which somebody has logged in to it; such a pair has failures of its own.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub free_failures_per_address: u32,
    /// How many logins to one account may fail, from whatever addresses, before further ones from addresses that are new to it wait.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub free_failures_per_account: u32,
    /// After how many seconds a failed login is forgotten, one after the other.
    #[schemars(range(min = 1, max = 86_400))]
    pub forget_failure_seconds: u64,
    /// The longest wait before a login, in seconds. 0: none waits.
    #[schemars(range(min = 0, max = 300))]
    pub max_failure_delay_seconds: u64,
    /// How many logins from one address may wait so at the same time; what is more hears to try later.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_delayed_per_address: usize,
    /// Networks, such as `192.0.2.7/32`, whose failures are counted by account only: a proxy or a webmail logs in for many people.
    pub shared_addresses: Vec<Network>,
    /// How many addresses, accounts and wrong passwords are remembered.
    #[schemars(range(min = 100, max = 100_000_000))]
    pub failure_entries: usize,
    /// How many seconds an access token of the API is good for.
    #[schemars(range(min = 1, max = 86_400))]
    pub access_token_seconds: u64,
    /// How many seconds a refresh token of the API is good for.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub refresh_token_seconds: u64,
    /// For how many days it is kept who logged in, or tried to. 0: it is not kept at all.
    #[schemars(range(min = 0, max = 3650))]
    pub login_log_days: u64,
    /// The shortest password that may be set.
    #[schemars(range(min = 1, max = 256))]
    pub min_password_length: usize,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            parallel_hashes: 0,
            parallel_hashes_per_address: 0,
            scram: false,
            scram_iterations: 100_000,
            cache_seconds: 60,
            wrong_cache_seconds: 300,
            free_failures_per_address: 5,
            free_failures_per_account: 20,
            forget_failure_seconds: 120,
            max_failure_delay_seconds: 15,
            max_delayed_per_address: 20,
            shared_addresses: Vec::new(),
            failure_entries: 100_000,
            access_token_seconds: 900,
            refresh_token_seconds: 1_209_600,
            login_log_days: 30,
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
