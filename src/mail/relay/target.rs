//! The hosts of a lane with their addresses, looked up one after the other as they are needed.
//!
//! RFC 5321 §5.1 (locating the target host).

use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::mx::{Exchangers, order};
use super::{Lane, Relay, finding};
use crate::config::AddressFamily;
use crate::mail::dns::NoAnswer;
use crate::mail::queue::{Finding, Settlement};
use crate::model::address::Domain;

/// A host to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its name, or its address where it has none.
    pub(super) host: String,
    pub(super) address: SocketAddr,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.host, self.address)
    }
}

/// The hosts that are left to try.
pub(super) struct Targets {
    port: u16,
    hosts: VecDeque<String>,
    addresses: VecDeque<Target>,
    /// A lookup that failed for now, which makes "no host has an address" unsure.
    unsure: Option<Finding>,
}

impl Relay {
    /// The hosts for a lane; or what that means for all its mail.
    pub(super) async fn targets(&self, lane: &Lane) -> Result<Targets, Settlement> {
        let (hosts, port) = match lane {
            Lane::Route(server) | Lane::Smarthost(server) => (vec![server.host.clone()], server.port),
            Lane::Literal(ip) => (vec![ip.to_string()], self.inner.settings.smtp_port),
            Lane::Domain(domain) => (self.exchangers(domain).await?, self.inner.settings.smtp_port),
        };
        Ok(Targets {
            port,
            hosts: hosts.into(),
            addresses: VecDeque::new(),
            unsure: None,
        })
    }

    async fn exchangers(&self, domain: &Domain) -> Result<Vec<String>, Settlement> {
        let records = self.inner.dns.mx(domain).await.map_err(|none| match none {
            NoAnswer::NoSuchName(_) => Settlement::Failed(finding::no_domain(domain)),
            NoAnswer::Temporary { .. } => Settlement::Deferred(finding::no_answer(&none)),
        })?;
        match order(domain.as_str(), records, &self.inner.hostname, &mut rand::rng()) {
            Exchangers::Hosts(hosts) => Ok(hosts),
            Exchangers::NullMx => Err(Settlement::Failed(finding::null_mx(domain))),
            Exchangers::Ourselves => Err(Settlement::Failed(finding::loops_back(domain))),
        }
    }
}

impl Targets {
    /// The next address to try.
    pub(super) async fn next(&mut self, relay: &Relay) -> Option<Target> {
        loop {
            if let Some(target) = self.addresses.pop_front() {
                return Some(target);
            }
            let host = self.hosts.pop_front()?;
            match addresses(relay, &host).await {
                Ok(found) => {
                    let target = |ip| Target {
                        host: host.clone(),
                        address: SocketAddr::new(ip, self.port),
                    };
                    self.addresses = found.into_iter().map(target).collect();
                }
                Err(NoAnswer::NoSuchName(name)) => tracing::debug!(name, "a mail server's name does not exist"),
                Err(temporary) => self.unsure = Some(finding::no_answer(&temporary)),
            }
        }
    }

    /// Leaves out the other addresses of a host that has had its say.
    pub(super) fn skip(&mut self, target: &Target) {
        self.addresses.retain(|other| other.host != target.host);
    }

    /// What it means that there was not one address. A configured server without one is a matter for the operator: mail waits.
    pub(super) fn none_found(&self, lane: &Lane) -> Settlement {
        match (&self.unsure, lane) {
            (Some(finding), _) => Settlement::Deferred(finding.clone()),
            (None, Lane::Route(_) | Lane::Smarthost(_)) => Settlement::Deferred(finding::no_answer(&format!("{lane} has no address"))),
            (None, _) => Settlement::Failed(finding::no_host(lane)),
        }
    }
}

async fn addresses(relay: &Relay, host: &str) -> Result<Vec<IpAddr>, NoAnswer> {
    match host.parse() {
        Ok(ip) => Ok(vec![ip]),
        Err(_) => {
            let found = relay.inner.dns.addresses(host).await?;
            Ok(chosen(relay.inner.settings.address_family, found))
        }
    }
}

/// The addresses that are used, in the order in which to try them.
fn chosen(family: AddressFamily, mut found: Vec<IpAddr>) -> Vec<IpAddr> {
    match family {
        AddressFamily::Ipv4First => found.sort_by_key(|ip| ip.is_ipv6()),
        AddressFamily::Ipv6First => found.sort_by_key(|ip| ip.is_ipv4()),
        AddressFamily::Ipv4 => found.retain(IpAddr::is_ipv4),
        AddressFamily::Ipv6 => found.retain(IpAddr::is_ipv6),
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_chosen() {
        for (family, expected) in [
            (AddressFamily::Ipv4First, "192.0.2.1 192.0.2.2 2001:db8::1"),
            (AddressFamily::Ipv6First, "2001:db8::1 192.0.2.1 192.0.2.2"),
            (AddressFamily::Ipv4, "192.0.2.1 192.0.2.2"),
            (AddressFamily::Ipv6, "2001:db8::1"),
        ] {
            let found = ["192.0.2.1", "2001:db8::1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
            let chosen: Vec<String> = chosen(family, found.into()).iter().map(IpAddr::to_string).collect();
            assert_eq!(chosen.join(" "), expected);
        }
    }
}
