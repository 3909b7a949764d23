//! Milters: filters beside the server that have a say in its SMTP dialogues.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check;
use super::problem::Problem;

/// Milters: filters beside the server, such as opendkim, that have a say in its SMTP dialogues.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Milter {
    /// Those of mail from other servers, in the order in which they are asked: each the path of a socket, such as
    /// `"/run/opendkim/opendkim.sock"`, or a host and a port, such as `"127.0.0.1:8891"`.
    pub smtp: Vec<String>,
    /// Those of what users submit over SMTP.
    pub submission: Vec<String>,
    /// What becomes of mail while one of them does not answer, or answers what cannot be understood.
    pub on_failure: MilterFailure,
    /// How many seconds one may take to be connected to.
    #[schemars(range(min = 1, max = 600))]
    pub connect_timeout_seconds: u64,
    /// How many seconds one may take for a step of the dialogue.
    #[schemars(range(min = 1, max = 3_600))]
    pub command_timeout_seconds: u64,
    /// How many seconds one may take at the end of a message, each time until it says that it is still at work.
    #[schemars(range(min = 1, max = 3_600))]
    pub content_timeout_seconds: u64,
}

/// What becomes of mail while a milter does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MilterFailure {
    /// It goes on as if there were no such milter.
    Accept,
    /// Its sender's server is asked to try again later.
    Tempfail,
    /// It is refused.
    Reject,
}

impl Default for Milter {
    fn default() -> Self {
        Self {
            smtp: Vec::new(),
            submission: Vec::new(),
            on_failure: MilterFailure::Tempfail,
            connect_timeout_seconds: 30,
            command_timeout_seconds: 30,
            content_timeout_seconds: 300,
        }
    }
}

impl Milter {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        for (key, addresses) in [("smtp", &self.smtp), ("submission", &self.submission)] {
            for address in addresses {
                check::neighbour(address).map_err(|text| Problem::new(key, text))?;
            }
        }
        Ok(())
    }
}
