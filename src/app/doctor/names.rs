//! What DNS says: of this server forth and back, of its addresses on block lists, of its domains.

use std::net::IpAddr;

use futures_util::future::join_all;

use super::{Area, Finding, Level, Question};
use crate::app::{Services, setup};
use crate::config::Config;
use crate::mail::client_setup::ClientSetup;
use crate::mail::directory::Picked;
use crate::mail::dns::{Dns, NoAnswer};
use crate::mail::zone::{Checked, State, Zones};
use crate::model::address::Domain;

/// How many domains are asked for at a time.
const PAGE: usize = 100;

pub(super) async fn examine(config: &Config, dns: &Dns, (services, question): (Option<&Services>, &Question)) -> Vec<Finding> {
    let (mut findings, addresses) = host(&config.hostname, dns).await;
    let public: Vec<IpAddr> = addresses.into_iter().filter(|ip| is_public(*ip)).collect();
    findings.extend(join_all(public.iter().map(|ip| back(&config.hostname, *ip, dns))).await);
    let lists = question.block_lists.iter();
    let asked = lists.flat_map(|zone| public.iter().map(move |ip| listed(*ip, zone, dns)));
    findings.extend(join_all(asked).await);
    if let Some(services) = services {
        findings.extend(domains(config, dns, services).await);
    }
    findings
}

async fn host(name: &str, dns: &Dns) -> (Vec<Finding>, Vec<IpAddr>) {
    match dns.addresses(name).await {
        Ok(found) if !found.is_empty() => {
            let shown: Vec<String> = found.iter().map(IpAddr::to_string).collect();
            let mut findings = vec![Finding::fine(Area::Host, format!("{name} has the address {}", shown.join(", ")))];
            if !found.iter().any(|ip| is_public(*ip)) {
                findings.push(Finding::doubtful(
                    Area::Host,
                    "none of its addresses can be reached from the internet",
                    "give the name the public address of this server, if others are to send mail to it",
                ));
            }
            (findings, found)
        }
        Ok(_) | Err(NoAnswer::NoSuchName(_)) => {
            let finding = Finding::wrong(
                Area::Host,
                format!("{name} has no address in DNS: nobody finds this server"),
                "publish an A record, and AAAA if there is IPv6, or set hostname to the name that has them",
            );
            (vec![finding], Vec::new())
        }
        Err(error) => (vec![Finding::unknown(Area::Host, error.to_string())], Vec::new()),
    }
}

/// Whether the address leads back to the name, which large providers want to see.
async fn back(name: &str, ip: IpAddr, dns: &Dns) -> Finding {
    let advice = format!("ask whoever gave you the address to set its reverse DNS to {name}");
    match dns.names(ip).await {
        Ok(names) if names.iter().any(|found| found.eq_ignore_ascii_case(name)) => {
            Finding::fine(Area::Host, format!("{ip} leads back to {name}"))
        }
        Ok(names) if !names.is_empty() => Finding::wrong(
            Area::Host,
            format!("{ip} leads back to {}, not to {name}", names.join(", ")),
            advice,
        ),
        Ok(_) | Err(NoAnswer::NoSuchName(_)) => Finding::wrong(
            Area::Host,
            format!("{ip} has no name in reverse DNS: many servers refuse mail from it"),
            advice,
        ),
        Err(error) => Finding::unknown(Area::Host, error.to_string()),
    }
}

/// Whether a list has the address (RFC 5782 §2.1).
async fn listed(ip: IpAddr, zone: &str, dns: &Dns) -> Finding {
    let name = format!("{}.{zone}", reversed(ip));
    let fine = || Finding::fine(Area::BlockLists, format!("{ip} is not on {zone}"));
    match dns.addresses(&name).await {
        Err(NoAnswer::NoSuchName(_)) => fine(),
        Err(error) => Finding::unknown(Area::BlockLists, format!("{zone}: {error}")),
        Ok(found) => {
            let codes = found.iter().filter_map(|ip| match ip {
                IpAddr::V4(ip) => Some(ip.octets()),
                IpAddr::V6(_) => None,
            });
            let codes: Vec<[u8; 4]> = codes.collect();
            match () {
                () if codes.is_empty() => fine(),
                // The answers of lists that are asked too often, or through a public resolver.
                () if codes
                    .iter()
                    .any(|code| matches!(code, [127, 255, 255, _]) || !matches!(code, [127, ..])) =>
                {
                    Finding::unknown(
                        Area::BlockLists,
                        format!("{zone} does not answer questions from here; a resolver of your own may be let in"),
                    )
                }
                () => Finding::wrong(
                    Area::BlockLists,
                    format!("{ip} is on {zone}: servers that ask it refuse mail from here"),
                    format!("find out what was sent from here, stop it, and ask {zone} to take the address off"),
                ),
            }
        }
    }
}

/// The address as lists and reverse DNS want it, least significant part first.
fn reversed(ip: IpAddr) -> String {
    let parts: Vec<String> = match ip {
        IpAddr::V4(ip) => ip.octets().iter().rev().map(u8::to_string).collect(),
        IpAddr::V6(ip) => {
            let digits = ip.octets().into_iter().flat_map(|octet| [octet >> 4, octet & 15]);
            digits.rev().map(|digit| format!("{digit:x}")).collect()
        }
    };
    parts.join(".")
}

fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified()),
        IpAddr::V6(ip) => !(ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local()),
    }
}

async fn domains(config: &Config, dns: &Dns, services: &Services) -> Vec<Finding> {
    let servers = setup::servers(config, config.listen.each().into_iter());
    let setup = ClientSetup::open(services.directory.clone(), servers, (&config.mta_sts, &config.hostname));
    let zones = Zones::open(
        dns.clone(),
        (services.signing.clone(), setup),
        config.hostname.clone(),
        services.certificates.clone(),
    );
    let mut findings = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = match services.directory.domains(&Picked::default(), after.as_deref(), PAGE).await {
            Ok(page) => page,
            Err(error) => {
                findings.push(Finding::unknown(Area::Domains, error.to_string()));
                return findings;
            }
        };
        for record in page.items.iter().filter(|record| record.enabled) {
            findings.extend(domain(&zones, &record.domain).await);
        }
        after = page.next;
        if after.is_none() {
            return findings;
        }
    }
}

async fn domain(zones: &Zones, name: &Domain) -> Vec<Finding> {
    let zone = match zones.of(name).await {
        Ok(zone) => zone,
        Err(error) => return vec![Finding::unknown(Area::Domains, format!("{name}: {error}"))],
    };
    let advice = format!("posthouse dkim add {name}");
    let mut findings: Vec<Finding> = zone
        .problems
        .iter()
        .map(|_| {
            let said = format!("{name} has no key to sign its mail with");
            Finding::wrong(Area::Domains, said, advice.clone())
        })
        .collect();
    findings.extend(zone.records.iter().filter_map(|checked| record(name, checked)));
    if findings.is_empty() {
        findings.push(Finding::fine(Area::Domains, format!("{name}: all its records are right")));
    }
    findings
}

/// What is wrong with a record; nothing if it is right.
fn record(domain: &Domain, checked: &Checked) -> Option<Finding> {
    let needed = &checked.needed;
    let level = match checked.state {
        State::Right => return None,
        State::Unknown => Level::Unknown,
        State::Missing | State::Wrong if needed.required => Level::Wrong,
        State::Missing | State::Wrong => Level::Doubtful,
    };
    let problem = checked.problem.as_deref().unwrap_or("something is wrong with it");
    let said = format!("{domain}: {} {}: {problem}", needed.kind.as_str(), needed.name);
    let advice = format!("publish: {}", needed.to_string().trim_end());
    Some(Finding::new(
        (Area::Domains, level),
        said,
        (level != Level::Unknown).then_some(advice),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_turned_round() {
        assert_eq!(reversed("192.0.2.99".parse().unwrap()), "99.2.0.192");
        let long = reversed("2001:db8::1".parse().unwrap());
        assert!(long.starts_with("1.0.0.0.") && long.ends_with(".8.b.d.0.1.0.0.2"), "{long}");
        assert_eq!(long.len(), 63);
        assert!(is_public("198.51.100.7".parse().unwrap()) && !is_public("10.0.0.1".parse().unwrap()));
        assert!(!is_public("fd00::1".parse().unwrap()) && !is_public("::ffff:127.0.0.1".parse().unwrap()));
    }
}
