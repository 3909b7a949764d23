//! Reports to other domains, and of others.

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;
use crate::model::address::EmailAddress;

/// Reports to other domains, which ask for them by DNS, and of others about domains here.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reports {
    /// Whether domains that ask for it are told each day what became of TLS towards their servers (RFC 8460).
    pub tls: bool,
    /// Whether domains that ask for it are told each day how mail fared that says it is of theirs (DMARC, RFC 7489 §7.2).
    pub dmarc: bool,
    /// Who reports. Empty: `hostname`.
    pub organization_name: String,
    /// From whom reports by mail come, and whom to ask. Empty: `postmaster@` and `hostname`. They are sent only if there is a DKIM key of
    /// its domain, for nobody believes them otherwise.
    pub from: String,
    /// At which minute after midnight (UTC) the reports of the day before are sent, at the latest: the minute is chosen at random, so that
    /// not all servers of the world send at once.
    #[schemars(range(min = 0, max = 1200))]
    pub max_delay_minutes: u64,
    /// Where the reports of others come in, about DMARC and TLS: addresses here, or parts before the `@` in all domains. They are read, and
    /// stored as any mail.
    pub received_at: Vec<String>,
    /// The most octets of a report that is read, packed and unpacked.
    #[schemars(range(min = 1_024, max = 1_073_741_824))]
    pub max_report_bytes: u64,
    /// How many days the reports of others are kept.
    #[schemars(range(min = 1, max = 36_500))]
    pub keep_days: u64,
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            tls: true,
            dmarc: true,
            organization_name: String::new(),
            from: String::new(),
            max_delay_minutes: 240,
            received_at: vec!["postmaster".into()],
            max_report_bytes: 10_485_760,
            keep_days: 400,
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
