//! Lists of addresses and domains, asked over DNS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::model::address::Domain;
use crate::model::listing::Codes;

/// Block and allow lists that are asked over DNS about the client of a message and the domains in it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DnsLists {
    /// Whether lists are asked. Most of them are free of charge for small servers only, and refuse questions that come by the name servers
    /// of large providers: have one of your own.
    pub enabled: bool,
    /// Whether the lists that the server knows are asked: of addresses `zen.spamhaus.org`, `bl.mailspike.net`, `wl.mailspike.net`,
    /// `bl.spameatingmonkey.net`, `bl.blocklist.de` and `list.dnswl.org`, of domains `dbl.spamhaus.org`, `multi.surbl.org` and
    /// `multi.uribl.com`.
    pub builtin: bool,
    /// More lists: `[[dns_lists.lists]]` with `zone`, `kind` (`"address"` or `"domain"`), `ipv6 = false` if it has no IPv6 addresses, and
    /// `hits = [{ codes = "127.0.0.2", symbol = "MY_LIST", weight = 3.0 }]`. Codes are answers: an address in which a number may be a range
    /// (`4-7`), any (`*`) or one with any of some bits (`&24`). A list with the zone of a known one takes its place; without hits it
    /// is not asked.
    pub lists: Vec<DnsList>,
    /// How many seconds all lists together have for a message. What has not answered then says nothing.
    #[schemars(range(min = 1, max = 60))]
    pub timeout_seconds: u64,
    /// The most domains of a message that are asked about: those of the author and the sender come first.
    #[schemars(range(min = 0, max = 1_000))]
    pub max_domains: usize,
    /// The most that all lists together add to the score of a message.
    #[schemars(range(min = 0, max = 1000))]
    pub max_score: f64,
    /// For how many minutes a list is not asked that answers with an error, says that everything is listed (RFC 5782 §5), or has not
    /// answered about five messages in turn.
    #[schemars(range(min = 1, max = 10_080))]
    pub pause_minutes: u64,
    /// Domains that are not asked about, with those below them: one's own, and those that are in every second message.
    pub exempt_domains: Vec<String>,
}

/// A list that is asked over DNS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsList {
    /// Where it is asked.
    pub zone: String,
    /// What it lists.
    pub kind: DnsListKind,
    /// Whether it knows IPv6 addresses.
    #[serde(default = "yes")]
    pub ipv6: bool,
    /// What its answers mean. None: it is not asked.
    #[serde(default)]
    pub hits: Vec<DnsListHit>,
}

/// What a list lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DnsListKind {
    /// Addresses of clients.
    Address,
    /// Domains.
    Domain,
}

/// What an answer of a list means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsListHit {
    /// The answers.
    pub codes: Codes,
    /// The name of the rule that holds then, in capitals.
    pub symbol: String,
    /// What it adds to the score; negative for a list of good ones.
    pub weight: f64,
}

const fn yes() -> bool {
    true
}

impl Default for DnsLists {
    fn default() -> Self {
        Self {
            enabled: true,
            builtin: true,
            lists: Vec::new(),
            timeout_seconds: 5,
            max_domains: 20,
            max_score: 12.5,
            pause_minutes: 30,
            exempt_domains: Vec::new(),
        }
    }
}

impl DnsLists {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        for list in &self.lists {
            if Domain::parse(&list.zone).is_err() {
                let text = format!("has the zone '{}'; right would be one such as 'zen.spamhaus.org'", list.zone);
                return Err(Problem::new("lists", text));
            }
            let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            let wrong = |hit: &&DnsListHit| hit.symbol.is_empty() || !hit.symbol.chars().all(is_name) || !hit.weight.is_finite();
            if let Some(hit) = list.hits.iter().find(wrong) {
                let text = format!(
                    "has the symbol '{}' with weight {}; right would be one such as 'MY_LIST' with a number",
                    hit.symbol, hit.weight
                );
                return Err(Problem::new("lists", text));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_looked_at() {
        let read = |text: &str| toml::from_str::<DnsLists>(text);
        let list = "[[lists]]\nzone = 'bl.test'\nkind = 'address'\nhits = [{ codes = '127.0.0.4-7', symbol = 'MINE', weight = 2 }]";
        let found = read(list).unwrap();
        assert!(found.validate().is_ok() && found.enabled && found.lists[0].ipv6);
        assert_eq!(found.lists[0].hits[0].codes.to_string(), "127.0.0.4-7");
        assert!(read(&list.replace("4-7", "4-x")).is_err());
        assert!(read(&list.replace("'address'", "'colour'")).is_err());
        assert!(read(&list.replace("MINE", "mine")).unwrap().validate().is_err());
        assert!(read(&list.replace("bl.test", "bl..test")).unwrap().validate().is_err());
    }
}
