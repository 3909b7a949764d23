//! The lists that the server knows, with what their answers mean: as their operators document it, with the weights of rspamd.

use std::collections::BTreeMap;

use crate::config::{DnsList, DnsListHit, DnsListKind};
use crate::mail::spam::outside::weight;
use crate::mail::spam::rules::{Rule, unasked};

use DnsListKind::{Address, Domain};

pub(in crate::mail::spam) const RULES: &[Rule] = &[
    unasked("RBL_SPAMHAUS_SBL", 4.0, "The client is on Spamhaus' list of senders of spam."),
    unasked(
        "RBL_SPAMHAUS_CSS",
        2.0,
        "The client is on Spamhaus' list of senders of little repute.",
    ),
    unasked(
        "RBL_SPAMHAUS_XBL",
        4.0,
        "The client is on Spamhaus' list of machines that were taken over.",
    ),
    unasked(
        "RBL_SPAMHAUS_DROP",
        7.0,
        "The client is of a network that Spamhaus knows to be of criminals.",
    ),
    unasked(
        "RBL_SPAMHAUS_PBL",
        2.0,
        "The client's network is one from which no mail should come, says Spamhaus.",
    ),
    unasked("RBL_MAILSPIKE_ZOMBIE", 2.0, "The client was taken over, says Mailspike."),
    unasked("RBL_MAILSPIKE_WORST", 2.0, "The client has the worst reputation with Mailspike."),
    unasked("RBL_MAILSPIKE_VERYBAD", 1.5, "The client has a very bad reputation with Mailspike."),
    unasked("RBL_MAILSPIKE_BAD", 1.0, "The client has a bad reputation with Mailspike."),
    unasked("RWL_MAILSPIKE_GOOD", -0.1, "The client has a good reputation with Mailspike."),
    unasked(
        "RWL_MAILSPIKE_VERYGOOD",
        -0.2,
        "The client has a very good reputation with Mailspike.",
    ),
    unasked(
        "RWL_MAILSPIKE_EXCELLENT",
        -0.4,
        "The client has an excellent reputation with Mailspike.",
    ),
    unasked("RBL_SEM", 1.0, "The client is on the list of Spam Eating Monkey."),
    unasked("RBL_BLOCKLISTDE", 4.0, "The client has attacked those who tell blocklist.de of it."),
    unasked(
        "RCVD_IN_DNSWL_LOW",
        -0.1,
        "The client is on the allow list of dnswl.org, with low trust.",
    ),
    unasked(
        "RCVD_IN_DNSWL_MED",
        -0.2,
        "The client is on the allow list of dnswl.org, with medium trust.",
    ),
    unasked(
        "RCVD_IN_DNSWL_HI",
        -0.5,
        "The client is on the allow list of dnswl.org, with high trust.",
    ),
    unasked("DBL_SPAM", 6.5, "A domain of it is known to Spamhaus for spam."),
    unasked("DBL_PHISH", 6.5, "A domain of it is known to Spamhaus for phishing."),
    unasked("DBL_MALWARE", 6.5, "A domain of it is known to Spamhaus for malicious programs."),
    unasked(
        "DBL_BOTNET",
        5.5,
        "A domain of it is known to Spamhaus for commanding machines that were taken over.",
    ),
    unasked("DBL_ABUSE", 6.5, "A domain of it was taken over for spam, says Spamhaus."),
    unasked(
        "DBL_ABUSE_REDIR",
        1.5,
        "A domain of it is a redirector that is used for spam, says Spamhaus.",
    ),
    unasked("DBL_ABUSE_PHISH", 7.5, "A domain of it was taken over for phishing, says Spamhaus."),
    unasked(
        "DBL_ABUSE_MALWARE",
        7.5,
        "A domain of it was taken over for malicious programs, says Spamhaus.",
    ),
    unasked(
        "DBL_ABUSE_BOTNET",
        5.5,
        "A domain of it was taken over to command other machines, says Spamhaus.",
    ),
    unasked("PH_SURBL_MULTI", 5.5, "A domain of it is known to SURBL for phishing."),
    unasked("MW_SURBL_MULTI", 5.5, "A domain of it is known to SURBL for malicious programs."),
    unasked("ABUSE_SURBL", 5.5, "A domain of it is known to SURBL for spam and other abuse."),
    unasked("CRACKED_SURBL", 4.0, "A domain of it was taken over, says SURBL."),
    unasked("URIBL_BLACK", 7.5, "A domain of it is known to URIBL for spam."),
    unasked(
        "URIBL_GREY",
        1.5,
        "A domain of it is known to URIBL for mail that many did not ask for.",
    ),
    unasked("URIBL_RED", 3.5, "A domain of it is new, and URIBL watches it."),
];

/// A list: its zone, what it lists, whether it knows IPv6, and the symbols of its codes.
type Known = (&'static str, DnsListKind, bool, &'static [(&'static str, &'static str)]);

const LISTS: &[Known] = &[
    (
        "zen.spamhaus.org",
        Address,
        true,
        &[
            ("127.0.0.2", "RBL_SPAMHAUS_SBL"),
            ("127.0.0.3", "RBL_SPAMHAUS_CSS"),
            ("127.0.0.4-7", "RBL_SPAMHAUS_XBL"),
            ("127.0.0.9", "RBL_SPAMHAUS_DROP"),
            ("127.0.0.10-11", "RBL_SPAMHAUS_PBL"),
        ],
    ),
    (
        "bl.mailspike.net",
        Address,
        false,
        &[
            ("127.0.0.2", "RBL_MAILSPIKE_ZOMBIE"),
            ("127.0.0.10", "RBL_MAILSPIKE_WORST"),
            ("127.0.0.11", "RBL_MAILSPIKE_VERYBAD"),
            ("127.0.0.12", "RBL_MAILSPIKE_BAD"),
        ],
    ),
    (
        "wl.mailspike.net",
        Address,
        false,
        &[
            ("127.0.0.18", "RWL_MAILSPIKE_GOOD"),
            ("127.0.0.19", "RWL_MAILSPIKE_VERYGOOD"),
            ("127.0.0.20", "RWL_MAILSPIKE_EXCELLENT"),
        ],
    ),
    ("bl.spameatingmonkey.net", Address, false, &[("127.0.0.2-3", "RBL_SEM")]),
    ("bl.blocklist.de", Address, true, &[("127.0.0.*", "RBL_BLOCKLISTDE")]),
    (
        "list.dnswl.org",
        Address,
        true,
        &[
            ("127.0.*.1", "RCVD_IN_DNSWL_LOW"),
            ("127.0.*.2", "RCVD_IN_DNSWL_MED"),
            ("127.0.*.3", "RCVD_IN_DNSWL_HI"),
        ],
    ),
    (
        "dbl.spamhaus.org",
        Domain,
        true,
        &[
            ("127.0.1.2", "DBL_SPAM"),
            ("127.0.1.4", "DBL_PHISH"),
            ("127.0.1.5", "DBL_MALWARE"),
            ("127.0.1.6", "DBL_BOTNET"),
            ("127.0.1.102", "DBL_ABUSE"),
            ("127.0.1.103", "DBL_ABUSE_REDIR"),
            ("127.0.1.104", "DBL_ABUSE_PHISH"),
            ("127.0.1.105", "DBL_ABUSE_MALWARE"),
            ("127.0.1.106", "DBL_ABUSE_BOTNET"),
        ],
    ),
    (
        "multi.surbl.org",
        Domain,
        true,
        &[
            ("127.0.0.&8", "PH_SURBL_MULTI"),
            ("127.0.0.&16", "MW_SURBL_MULTI"),
            ("127.0.0.&64", "ABUSE_SURBL"),
            ("127.0.0.&128", "CRACKED_SURBL"),
        ],
    ),
    (
        "multi.uribl.com",
        Domain,
        true,
        &[
            ("127.0.0.&2", "URIBL_BLACK"),
            ("127.0.0.&4", "URIBL_GREY"),
            ("127.0.0.&8", "URIBL_RED"),
        ],
    ),
];

/// The lists, as they would be written into a configuration. A rule that weighs nothing is off.
pub(super) fn lists(weights: &BTreeMap<String, f64>) -> Vec<DnsList> {
    let hit = |(codes, symbol): &(&str, &str)| {
        let rule = RULES.iter().find(|rule| rule.name == *symbol)?;
        Some(DnsListHit {
            codes: codes.parse().ok()?,
            symbol: rule.name.to_owned(),
            weight: weight(rule, weights),
        })
    };
    let list = |(zone, kind, ipv6, hits): &Known| DnsList {
        zone: (*zone).to_owned(),
        kind: *kind,
        ipv6: *ipv6,
        hits: hits.iter().filter_map(hit).filter(|hit| hit.weight != 0.0).collect(),
    };
    LISTS.iter().map(list).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_read_and_has_its_rule_and_the_configuration_changes_weights() {
        let found = lists(&BTreeMap::new());
        for (known, list) in LISTS.iter().zip(&found) {
            assert_eq!(list.hits.len(), known.3.len(), "{}", list.zone);
        }
        let named: usize = LISTS.iter().map(|it| it.3.len()).sum();
        assert_eq!(named, RULES.len(), "each rule has its code");
        let weights = BTreeMap::from([("RBL_SEM".to_owned(), 0.0), ("URIBL_RED".to_owned(), 9.0)]);
        let found = lists(&weights);
        let of = |zone: &str| found.iter().find(|it| it.zone == zone).unwrap();
        assert!(of("bl.spameatingmonkey.net").hits.is_empty());
        assert_eq!(of("multi.uribl.com").hits[2].weight, 9.0);
    }
}
