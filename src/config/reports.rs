//! Reports to other domains.

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;
use crate::model::address::EmailAddress;

/// Reports to other domains, of which they ask for by DNS.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reports {
    /// Whether domains that ask for it are told each day what became of TLS towards their servers (RFC 8460).
    pub tls: bool,
    /// Who reports. Empty: `hostname`.
    pub organization_name: String,
    /// From whom reports by mail come, and whom to ask. Empty: `postmaster@` and `hostname`. They are sent only if there is a DKIM key of
    /// its domain, for nobody believes them otherwise.
    pub from: String,
    /// At which minute after midnight (UTC) the reports of the day before are sent, at the latest: the minute is chosen at random, so that
    /// not all servers of the world send at once.
    #[schemars(range(min = 0, max = 1200))]
    pub max_delay_minutes: u64,
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            tls: true,
            organization_name: String::new(),
            from: String::new(),
            max_delay_minutes: 240,
        }
    }
}

impl Reports {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        if self.from.is_empty() || EmailAddress::parse(&self.from).is_ok_and(|address| address.domain().is_some()) {
            return Ok(());
        }
        Err(Problem::new(
            "from",
            format!("'{}' is no address; right would be one such as 'postmaster@example.org'", self.from),
        ))
    }
}
