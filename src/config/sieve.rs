//! Filters: the scripts of users and of the server, and the ManageSieve sessions by which users change theirs.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;

/// Filters: the scripts of users and of the server, and the ManageSieve sessions by which users change theirs.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sieve {
    /// Scripts that all mail for users here goes through before their own, one after the other as long as the message is kept. Files that
    /// are changed are read again within seconds.
    pub before: Vec<PathBuf>,
    /// The same after their own.
    pub after: Vec<PathBuf>,
    /// The folder of the scripts (`name.sieve`) that others include with `include :global`. Empty: there are none.
    pub global: PathBuf,
    /// The folder of the lists (`name.txt`, with an address, an `@domain` or another value a line) that scripts ask with `:list`
    /// (RFC 6134). Empty: there are none.
    pub lists: PathBuf,
    /// The most scripts of a user.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_scripts: usize,
    /// The most octets of a script.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub max_script_bytes: usize,
    /// The most work that the scripts of one message may do, in units of about one test of a short text.
    #[schemars(range(min = 1_000, max = 1_000_000_000))]
    pub max_steps: u64,
    /// The most actions of one message.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_actions: usize,
    /// The most addresses that one message is redirected to. 0: nobody redirects.
    #[schemars(range(min = 0, max = 1_000))]
    pub max_redirects: usize,
    /// The most notifications of one message. 0: nobody is notified.
    #[schemars(range(min = 0, max = 1_000))]
    pub max_notifications: usize,
    /// The fewest seconds between two vacation replies to the same sender, whatever a script says.
    #[schemars(range(min = 0, max = 31_536_000))]
    pub vacation_min_seconds: u64,
    /// The seconds between two vacation replies to the same sender where a script does not say (RFC 5230 §4.1).
    #[schemars(range(min = 0, max = 31_536_000))]
    pub vacation_default_seconds: u64,
    /// The most seconds between two vacation replies to the same sender, whatever a script says.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub vacation_max_seconds: u64,
    /// How many users' scripts are kept in memory, ready to run.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub cache_users: u64,
    /// How many seconds a ManageSieve session may be silent (RFC 5804 §1.2 wants at least 1800).
    #[schemars(range(min = 1, max = 604_800))]
    pub session_timeout_seconds: u64,
}

impl Default for Sieve {
    fn default() -> Self {
        Self {
            before: Vec::new(),
            after: Vec::new(),
            global: PathBuf::new(),
            lists: PathBuf::new(),
            max_scripts: 100,
            max_script_bytes: 262_144,
            max_steps: 1_000_000,
            max_actions: 32,
            max_redirects: 4,
            max_notifications: 10,
            vacation_min_seconds: 86_400,
            vacation_default_seconds: 604_800,
            vacation_max_seconds: 5_184_000,
            cache_users: 10_000,
            session_timeout_seconds: 1_800,
        }
    }
}

impl Sieve {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        if self.vacation_min_seconds > self.vacation_max_seconds {
            return Err(Problem::new(
                "vacation_min_seconds",
                format!("is more than sieve.vacation_max_seconds, which is {}", self.vacation_max_seconds),
            ));
        }
        Ok(())
    }
}
