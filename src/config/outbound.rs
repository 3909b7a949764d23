//! Delivery to other servers.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::{Route, check};
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
    /// Fixed routes that win over MX and smarthost: `domain = "host:port"`, or `domain = { server = "host:port", … }` with any of
    /// `tls`, `username`, `password`, `source_addresses`, `helo_name` and `messages_per_minute`, which mean what the keys of this section mean.
    #[schemars(extend("default" = {}))]
    pub routes: BTreeMap<String, Route>,
    /// How much TLS a domain's own servers must have, `domain = "none"`, `"opportunistic"` (whatever the certificate, and in clear if
    /// it fails), `"encrypted"` (whatever the certificate), `"required"` (a certificate that is valid for the server's name), `"dane"`
    /// (what the server's TLSA records say; without any like `opportunistic`) or `"dane-only"` (TLSA records, or nothing is sent).
    /// Others: what the server's TLSA records say, or the domain's MTA-STS policy, or else `opportunistic`.
    pub tls_policy: BTreeMap<String, TlsPolicy>,
    /// Whether the TLSA records of mail servers are looked up and kept to (DANE, RFC 7672). That takes answers validated with DNSSEC:
    /// see `dns.dnssec`.
    pub dane: bool,
    /// Whether the MTA-STS policies of domains are looked up and kept to (RFC 8461).
    pub mta_sts: bool,
    /// The port from which MTA-STS policies are fetched; other than 443 only in tests.
    #[schemars(range(min = 1, max = 65_535))]
    pub mta_sts_port: u16,
    /// A PEM file with certificate authorities to trust besides those of the system, towards mail servers and for MTA-STS.
    #[schemars(example = "authorities.pem")]
    pub certificate_authorities: Option<PathBuf>,
    /// The addresses to connect from; of each family the first one counts. Empty, or none of the family: the system chooses.
    pub source_addresses: Vec<IpAddr>,
    /// Addresses at which others reach this server, besides those of the machine: public ones in front of it, of a router or a load
    /// balancer. A mail server with such an address, or with one at which `listen.smtp` listens, is this server itself: neither it nor
    /// the less preferred ones of its domain get mail from here, and mail to a domain whose best server it is comes back.
    pub own_addresses: Vec<IpAddr>,
    /// The name to say in EHLO. Empty: `hostname`.
    pub helo_name: String,
    /// Which addresses of a server are used, and which of them first.
    pub address_family: AddressFamily,
    /// Whether messages of up to 64 KiB go to servers that offer CHUNKING and PIPELINING by BDAT (RFC 3030): the commands and the content
    /// in one flight, which saves a round trip for each message. Larger ones, and those to other servers, go by DATA.
    pub chunking: bool,
    /// How many seconds to wait for a connection.
    #[schemars(range(min = 1, max = 3600))]
    pub connect_timeout_seconds: u64,
    /// How many seconds to wait for a reply (RFC 5321 §4.5.3.2 wants 300).
    #[schemars(range(min = 1, max = 3600))]
    pub reply_timeout_seconds: u64,
    /// The most connections at a time to one destination.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_connections_per_destination: usize,
    /// The most messages in a minute to one destination (a domain's own servers, the smarthost, the server of a route): a tenth of them
    /// at once, the rest at even distances. Each node counts for itself. 0: no bound.
    pub messages_per_minute: u64,
    /// The same for some domains' own servers: `domain = messages`.
    pub rates: BTreeMap<String, u64>,
    /// The most deliveries at a time.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_deliveries: usize,
    /// The most deliveries at a time to destinations that could not be reached at the last try, or were not tried yet, so that
    /// dead destinations leave room for live ones; never more than half of `outbound.max_deliveries`.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_unproven_deliveries: usize,
    /// The most deliveries that may wait, besides `outbound.max_deliveries`, for such destinations when they have said nothing for
    /// five seconds. Each holds a connection and a few kilobytes of memory for up to `outbound.reply_timeout_seconds`.
    #[schemars(range(min = 0, max = 100_000))]
    pub max_hanging_deliveries: usize,
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
            tls_policy: BTreeMap::new(),
            dane: true,
            mta_sts: true,
            mta_sts_port: 443,
            certificate_authorities: None,
            source_addresses: Vec::new(),
            own_addresses: Vec::new(),
            helo_name: String::new(),
            address_family: AddressFamily::Ipv4First,
            chunking: true,
            connect_timeout_seconds: 30,
            reply_timeout_seconds: 300,
            max_connections_per_destination: 20,
            messages_per_minute: 0,
            rates: BTreeMap::new(),
            max_deliveries: 200,
            max_unproven_deliveries: 100,
            max_hanging_deliveries: 1000,
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
        check::helo_name(&self.helo_name).map_err(|text| Problem::new("helo_name", text))?;
        for (domain, route) in &self.routes {
            is_domain("routes", domain)?;
            route
                .validate()
                .map_err(|text| Problem::new("routes", format!("'{domain}': {text}")))?;
        }
        self.rates.keys().try_for_each(|domain| is_domain("rates", domain))?;
        self.tls_policy.keys().try_for_each(|domain| is_domain("tls_policy", domain))
    }
}

fn is_domain(key: &str, domain: &str) -> Result<(), Problem> {
    match Domain::parse(domain) {
        Ok(_) => Ok(()),
        Err(bad) => Err(Problem::new(
            key,
            format!("'{domain}': {bad}; right would be a domain such as 'example.org'"),
        )),
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

/// How much TLS a domain's own servers must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TlsPolicy {
    /// Never.
    None,
    /// Where it is offered, whatever the certificate; in clear if that fails.
    Opportunistic,
    /// Always, whatever the certificate.
    Encrypted,
    /// Always, with a certificate that is valid for the host.
    Required,
    /// What the TLSA records say, if there are some.
    Dane,
    /// What the TLSA records say, or nothing is sent.
    DaneOnly,
}

/// Which addresses of a server are used, and which of them first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AddressFamily {
    /// IPv4, then IPv6.
    Ipv4First,
    /// IPv6, then IPv4.
    Ipv6First,
    /// IPv4 only.
    Ipv4,
    /// IPv6 only.
    Ipv6,
}
