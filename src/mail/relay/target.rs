//! The hosts of a lane with their addresses, looked up as they are needed: those of one preference together, since if one of them is
//! this server itself, none of them and none behind them is for us to deliver to.
//!
//! RFC 5321 §5.1 (locating the target host), RFC 7672 §2.2 (TLSA base domains).

use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::join_all;

use super::mx::{Exchangers, order};
use super::security::Journey;
use super::{Lane, Relay, finding};
use crate::config::AddressFamily;
use crate::mail::dns::{Answer, Mx, NoAnswer, Proof};
use crate::mail::queue::{Finding, Settlement};
use crate::model::address::Domain;

/// A host to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its name, or its address where it has none.
    pub(super) host: String,
    pub(super) address: SocketAddr,
    /// The names below which its TLSA records are looked for, in this order; none where the way to it is not secure.
    pub(super) tlsa_bases: Arc<[String]>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.host, self.address)
    }
}

/// The hosts that are left to try.
pub(super) struct Targets {
    port: u16,
    hosts: VecDeque<Mx>,
    /// The names of the hosts are known securely.
    secure: bool,
    addresses: VecDeque<Target>,
    /// A lookup that failed for now, which makes "no host has an address" unsure.
    unsure: Option<Finding>,
    /// One of the hosts is this server.
    leads_back: bool,
}

impl Relay {
    /// The hosts for a lane; or what that means for all its mail.
    pub(super) async fn targets(&self, journey: &mut Journey<'_>) -> Result<Targets, Settlement> {
        let mut targets = Targets {
            port: self.inner.settings.smtp_port,
            hosts: VecDeque::new(),
            secure: false,
            addresses: VecDeque::new(),
            unsure: None,
            leads_back: false,
        };
        match journey.lane {
            Lane::Route(server) | Lane::Smarthost(server) => {
                targets.hosts.push_back(only(server.host.clone()));
                targets.port = server.port;
            }
            Lane::Literal(ip) => targets.hosts.push_back(only(ip.to_string())),
            Lane::Domain(domain) => self.exchangers(domain, journey, &mut targets).await?,
        }
        Ok(targets)
    }

    async fn exchangers(&self, domain: &Domain, journey: &mut Journey<'_>, targets: &mut Targets) -> Result<(), Settlement> {
        let found = self.inner.dns.mx(domain).await.map_err(|none| {
            journey.note_answer(&none);
            match none {
                NoAnswer::NoSuchName(_) => Settlement::Failed(finding::no_domain(domain)),
                NoAnswer::Temporary { .. } | NoAnswer::Bogus(_) => Settlement::Deferred(finding::no_answer(&none)),
            }
        })?;
        // RFC 7672 §2.2.1: that there is no MX is either proved, or seen by the addresses, which are below the same name.
        targets.secure = found.records.is_empty() || found.proof == Proof::Secure;
        journey.next_hops = vec![domain.to_string()];
        journey.next_hops.extend(found.alias.map(|alias| alias.of));
        match order(domain.as_str(), found.records, &self.inner.hostname, &mut rand::rng()) {
            Exchangers::Hosts(hosts) => targets.hosts = hosts.into(),
            Exchangers::NullMx => return Err(Settlement::Failed(finding::null_mx(domain))),
            Exchangers::Ourselves => return Err(Settlement::Failed(finding::loops_back(domain))),
        }
        Ok(())
    }
}

impl Targets {
    /// The next address to try.
    pub(super) async fn next(&mut self, relay: &Relay, journey: &mut Journey<'_>) -> Option<Target> {
        while self.addresses.is_empty() {
            let preference = self.hosts.front()?.preference;
            let count = self.hosts.iter().take_while(|mx| mx.preference == preference).count();
            let hosts: Vec<Mx> = self.hosts.drain(..count).collect();
            let found = join_all(hosts.iter().map(|mx| addresses(relay, &mx.exchange))).await;
            for (mx, found) in hosts.into_iter().zip(found) {
                match found {
                    Ok(found) => self.add(mx.exchange, found),
                    Err(NoAnswer::NoSuchName(name)) => tracing::debug!(name, "a mail server's name does not exist"),
                    Err(temporary) => {
                        journey.note_answer(&temporary);
                        self.unsure = Some(finding::no_answer(&temporary));
                    }
                }
            }
            // RFC 5321 §5.1: neither these, nor those that are less preferred, or mail would go in circles. What the operator names
            // in a route is meant.
            let is_free = matches!(journey.lane, Lane::Domain(_) | Lane::Literal(_));
            if is_free && self.addresses.iter().any(|target| relay.inner.own.is(target.address)) {
                tracing::debug!(lane = %journey.lane, preference, "from here on the mail servers lead back to us");
                self.leads_back = true;
                self.addresses.clear();
                self.hosts.clear();
            }
        }
        self.addresses.pop_front()
    }

    fn add(&mut self, host: String, found: Answer<IpAddr>) {
        let tlsa_bases: Arc<[String]> = if self.secure { bases(&host, &found).into() } else { Arc::default() };
        let port = self.port;
        self.addresses.extend(found.records.into_iter().map(|ip| Target {
            host: host.clone(),
            address: SocketAddr::new(ip, port),
            tlsa_bases: tlsa_bases.clone(),
        }));
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
            (None, _) if self.leads_back => Settlement::Failed(finding::loops_back(lane)),
            (None, _) => Settlement::Failed(finding::no_host(lane)),
        }
    }
}

/// The one host of a lane.
fn only(host: String) -> Mx {
    Mx {
        preference: 0,
        exchange: host,
    }
}

async fn addresses(relay: &Relay, host: &str) -> Result<Answer<IpAddr>, NoAnswer> {
    if let Ok(ip) = host.parse() {
        return Ok(Answer {
            records: vec![ip],
            proof: Proof::Indeterminate,
            alias: None,
        });
    }
    let mut found = relay.inner.dns.host(host).await?;
    found.records = chosen(relay.inner.settings.address_family, found.records);
    Ok(found)
}

/// RFC 7672 §2.2.2: the name behind the aliases, then the one in the MX record; that alone where only the first alias is secure.
fn bases(host: &str, found: &Answer<IpAddr>) -> Vec<String> {
    match (&found.alias, found.proof) {
        (None, Proof::Secure) => vec![host.to_owned()],
        (Some(alias), Proof::Secure) => vec![alias.of.clone(), host.to_owned()],
        (Some(alias), _) if alias.proof == Proof::Secure => vec![host.to_owned()],
        _ => Vec::new(),
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

    #[test]
    fn tlsa_records_are_looked_for_where_the_way_is_secure() {
        use Proof::{Indeterminate, Insecure, Secure};
        for (proof, alias, expected) in [
            (Secure, None, "mx.test"),
            (Insecure, None, ""),
            (Indeterminate, None, ""),
            (Secure, Some(Secure), "real.test mx.test"),
            (Insecure, Some(Secure), "mx.test"),
            (Insecure, Some(Insecure), ""),
        ] {
            let alias = alias.map(|proof| crate::mail::dns::Alias {
                of: "real.test".into(),
                proof,
            });
            let found = Answer {
                records: Vec::new(),
                proof,
                alias,
            };
            assert_eq!(bases("mx.test", &found).join(" "), expected);
        }
    }
}
