//! Delivery to other servers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check;
use super::problem::Problem;
use crate::model::address::Domain;
use crate::model::secret::Secret;

/// Delivery to other servers.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outbound {
    /// The port of other servers; other than 25 only in tests.
    #[schemars(range(min = 1, max = 65_535))]
    pub smtp_port: u16,
    /// `host:port` of a server that takes all outgoing mail. Empty: each domain's own.
    pub smarthost: String,
    /// The login name at the smarthost. Empty: no login.
    pub username: String,
    /// The password at the smarthost.
    #[schemars(extend("default" = "", "writeOnly" = true))]
    pub password: Secret,
    /// TLS to the smarthost: `opportunistic`, `required`, or `none`.
    pub tls: OutboundTls,
    /// Fixed routes, `domain = "host:port"`, that win over MX and smarthost.
    pub routes: BTreeMap<String, String>,
    /// How many seconds to wait for a connection.
    #[schemars(range(min = 1, max = 3600))]
    pub connect_timeout_seconds: u64,
    /// How many seconds to wait for a reply (RFC 5321 §4.5.3.2 wants 300).
    #[schemars(range(min = 1, max = 3600))]
    pub reply_timeout_seconds: u64,
    /// The most connections at a time to one destination.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_connections_per_destination: usize,
    /// The most deliveries at a time.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_deliveries: usize,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            smtp_port: 25,
            smarthost: String::new(),
            username: String::new(),
            password: Secret::new(""),
            tls: OutboundTls::Opportunistic,
            routes: BTreeMap::new(),
            connect_timeout_seconds: 30,
            reply_timeout_seconds: 300,
            max_connections_per_destination: 20,
            max_deliveries: 200,
        }
    }
}

impl Outbound {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        if !self.smarthost.is_empty() {
            check::host_and_port(&self.smarthost).map_err(|text| Problem::new("smarthost", text))?;
        }
        if self.smarthost.is_empty() && !self.username.is_empty() {
            return Err(Problem::new(
                "username",
                "is set without a server to log in to; right would be outbound.smarthost as well",
            ));
        }
        for (domain, host) in &self.routes {
            Domain::parse(domain).map_err(|bad| {
                Problem::new(
                    "routes",
                    format!("'{domain}': {bad}; right would be a domain such as 'example.org'"),
                )
            })?;
            check::host_and_port(host).map_err(|text| Problem::new("routes", format!("'{domain}': {text}")))?;
        }
        Ok(())
    }
}

/// How much TLS is wanted towards another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutboundTls {
    /// Never.
    None,
    /// Where the other offers it, whatever its certificate (RFC 7435).
    Opportunistic,
    /// Always, with a certificate that is valid for the host.
    Required,
}
