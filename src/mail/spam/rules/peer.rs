//! Who the client is: its name in HELO, and the name of its address.

use std::net::IpAddr;

use super::{Facts, Rule, rule, that, when};
use crate::mail::spam::facts::organisation;
use crate::model::address::{Domain, parse_literal};
use crate::model::verdict::Outcome;

pub(super) const RULES: &[Rule] = &[
    rule("RDNS_NONE", 1.5, "The client's address has no name.", |it| {
        let iprev = &it.case.authentication?.iprev;
        when(it.case.peer.is_some() && iprev.name.is_none() && matches!(iprev.outcome, Outcome::PermError | Outcome::Fail))
    }),
    rule(
        "RDNS_FAIL",
        1.0,
        "The name of the client's address does not lead back to it.",
        |it| {
            let iprev = &it.case.authentication?.iprev;
            that(iprev.outcome == Outcome::Fail, iprev.name.clone()?)
        },
    ),
    rule(
        "RDNS_DYNAMIC",
        1.5,
        "The name of the client's address is that of a subscriber's line.",
        |it| {
            let name = it.case.authentication?.iprev.name.as_deref()?;
            that(is_dynamic(name, it.case.peer?), name)
        },
    ),
    rule(
        "HELO_DYNAMIC",
        1.0,
        "The client calls itself by the name of a subscriber's line.",
        |it| {
            let helo = helo(it)?;
            that(is_dynamic(helo, it.case.peer?), helo)
        },
    ),
    rule("HELO_LITERAL", 0.5, "The client calls itself by an address in brackets.", |it| {
        when(helo(it)?.starts_with('['))
    }),
    rule(
        "HELO_LITERAL_WRONG",
        2.0,
        "The client calls itself by an address that is not its own.",
        |it| {
            let inner = helo(it)?.strip_prefix('[')?.strip_suffix(']')?;
            that(parse_literal(inner).is_ok_and(|address| Some(address) != it.case.peer), inner)
        },
    ),
    rule(
        "HELO_BAREIP",
        2.5,
        "The client calls itself by a bare address, which is no name.",
        |it| when(helo(it)?.parse::<IpAddr>().is_ok()),
    ),
    rule("HELO_NOT_FQDN", 1.5, "The client's name for itself has no dot.", |it| {
        let helo = helo(it)?;
        that(!helo.contains(['.', ':', '[']) && !is_local(helo), helo)
    }),
    rule("HELO_LOCALHOST", 2.0, "The client calls itself localhost.", |it| {
        when(is_local(helo(it)?))
    }),
    rule("HELO_IS_OURS", 4.0, "The client calls itself by this server's name.", |it| {
        when(helo(it)?.eq_ignore_ascii_case(it.case.hostname))
    }),
    rule("HELO_BAD", 1.0, "The client's name for itself cannot be one.", |it| {
        let helo = helo(it)?;
        that(!helo.starts_with('[') && Domain::parse(helo).is_err(), helo)
    }),
    rule(
        "HELO_UNDERSCORE",
        0.5,
        "The client's name for itself has an underscore, which no host has.",
        |it| when(helo(it)?.contains('_')),
    ),
    rule("HELO_PRIVATE", 0.5, "The client's name for itself is of a network at home.", |it| {
        let helo = helo(it)?.to_ascii_lowercase();
        let endings = [
            ".local",
            ".lan",
            ".home",
            ".internal",
            ".localdomain",
            ".intranet",
            ".corp",
            ".arpa",
        ];
        that(endings.iter().any(|ending| helo.ends_with(ending)), helo)
    }),
    rule(
        "HELO_OTHER_ORGANISATION",
        0.2,
        "Name of the address and name in HELO are of different organisations.",
        |it| {
            let (helo, name) = (helo(it)?, it.case.authentication?.iprev.name.as_deref()?);
            let (helo, name) = (helo.to_ascii_lowercase(), name.to_ascii_lowercase());
            that(helo.contains('.') && organisation(&helo) != organisation(&name), name)
        },
    ),
    rule(
        "HELO_PROVED",
        -0.2,
        "The client's name for itself is the one that its address leads to.",
        |it| {
            let iprev = &it.case.authentication?.iprev;
            when(iprev.outcome == Outcome::Pass && helo(it)?.eq_ignore_ascii_case(iprev.name.as_deref()?))
        },
    ),
    rule(
        "HELO_IS_RECIPIENT",
        2.5,
        "The client calls itself by the domain of a recipient.",
        |it| {
            let helo = helo(it)?;
            let is_theirs = |domain: &Domain| domain.as_str().eq_ignore_ascii_case(helo);
            that(it.case.recipients.iter().filter_map(|to| to.domain()).any(is_theirs), helo)
        },
    ),
];

fn is_local(helo: &str) -> bool {
    let helo = helo.to_ascii_lowercase();
    helo == "localhost" || helo.starts_with("localhost.")
}

/// What the client calls itself, unless it is a program of this machine: those need no name.
fn helo<'f>(facts: &Facts<'f>) -> Option<&'f str> {
    facts.case.helo.filter(|_| is_remote(facts))
}

/// Whether the client is on another machine.
pub(super) fn is_remote(facts: &Facts<'_>) -> bool {
    facts.case.peer.is_some_and(|peer| !peer.is_loopback())
}

/// Words in names of lines that are given to whoever calls.
const LINES: &[&str] = &[
    "dyn",
    "dynamic",
    "dhcp",
    "dialup",
    "dial",
    "ppp",
    "pppoe",
    "pool",
    "dsl",
    "adsl",
    "vdsl",
    "cable",
    "broadband",
    "ftth",
    "fiber",
    "cust",
    "client",
    "clients",
    "hsd1",
    "res",
    "residential",
    "catv",
    "wireless",
    "mobile",
    "lte",
    "cpe",
    "user",
    "home",
];

/// Whether a name is made of the octets of the address, or of words that such names have.
fn is_dynamic(name: &str, peer: IpAddr) -> bool {
    let IpAddr::V4(peer) = peer else { return false };
    let name = name.to_ascii_lowercase();
    let runs: Vec<&str> = name.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).collect();
    let held = peer
        .octets()
        .iter()
        .filter(|octet| runs.iter().any(|run| run.parse() == Ok(u32::from(**octet))))
        .count();
    let [a, b, c, d] = peer.octets();
    let packed = format!("{a:02x}{b:02x}{c:02x}{d:02x}");
    let has_word = name.split(['.', '-', '_']).any(|word| {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        LINES.contains(&word)
    });
    let is_server = ["mail", "mx", "smtp", "mta", "out", "static", "server", "relay"]
        .iter()
        .any(|word| name.contains(word));
    !is_server && (name.contains(&packed) || held >= 4 || (has_word && held >= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_lines_are_told_from_names_of_servers() {
        for (name, address, expected) in [
            ("p5b0c1d2e.dip0.t-ipconnect.test", "91.12.29.46", true),
            ("host-10-1-2-3.example.test", "10.1.2.3", true),
            ("3-2.dsl.example.test", "10.1.2.3", true),
            ("pool.example.test", "10.1.2.3", false),
            ("mail-10-1-2-3.example.test", "10.1.2.3", false),
            ("mx1.example.test", "192.0.2.1", false),
            ("a1.example.test", "192.0.2.1", false),
        ] {
            assert_eq!(is_dynamic(name, address.parse().unwrap()), expected, "{name}");
        }
    }
}
