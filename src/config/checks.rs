//! The checks of incoming mail.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::model::address::Domain;
use crate::model::network::Network;

/// The checks of incoming mail: who a message is from, as far as that can be proved.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Checks {
    /// Whether the name of the client's address is looked up, and whether it leads back to it (RFC 8601 §3).
    pub iprev: bool,
    /// Whether the sender's domain is asked if it lets the client send (SPF, RFC 7208).
    pub spf: bool,
    /// Whether signatures are verified (DKIM, RFC 6376).
    pub dkim: bool,
    /// Whether the seals of those that have handed a message on are verified (ARC, RFC 8617).
    pub arc: bool,
    /// Whether the author's domain is asked for its policy (DMARC, RFC 7489 and RFC 9989). What DMARC builds on is SPF and DKIM.
    pub dmarc: bool,
    /// What is done with mail that fails and whose author's domain wants that refused: `reject`, `junk` or `none`.
    pub dmarc_reject: DmarcReject,
    /// What is done with mail that fails and whose author's domain calls that suspicious: `junk` or `none`.
    pub dmarc_quarantine: DmarcQuarantine,
    /// Domains that are believed when they say by ARC that a message passed DMARC where they got it: those of mailing lists and of servers
    /// that forward mail to here.
    pub trusted_sealers: Vec<String>,
    /// Networks, such as `10.0.0.0/8`, whose mail is not checked: those of relays that have done it. What they note of it is kept.
    pub trusted_networks: Vec<Network>,
    /// Whether mail that comes over LMTP is checked too, by the address of who hands it in.
    pub lmtp: bool,
    /// The most signatures of a message that are looked at.
    #[schemars(range(min = 1, max = 100))]
    pub max_signatures: usize,
    /// How many seconds the name servers have to answer everything that is asked for one message. What is not answered by then is a
    /// temporary error, which no message is refused for.
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u64,
    /// How many octets of messages are in memory at a time to verify their signatures. Others wait; one that is larger goes alone.
    #[schemars(range(min = 1_048_576, max = 1_099_511_627_776_u64))]
    pub max_memory_bytes: u64,
}

/// What is done with what a domain wants refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DmarcReject {
    /// It is refused.
    Reject,
    /// It is stored with the junk.
    Junk,
    /// Nothing.
    None,
}

/// What is done with what a domain calls suspicious.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DmarcQuarantine {
    /// It is stored with the junk.
    Junk,
    /// Nothing.
    None,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            iprev: true,
            spf: true,
            dkim: true,
            arc: true,
            dmarc: true,
            dmarc_reject: DmarcReject::Reject,
            dmarc_quarantine: DmarcQuarantine::Junk,
            trusted_sealers: Vec::new(),
            trusted_networks: Vec::new(),
            lmtp: false,
            max_signatures: 10,
            timeout_seconds: 20,
            max_memory_bytes: 268_435_456,
        }
    }
}

impl Checks {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        let bad = self
            .trusted_sealers
            .iter()
            .find_map(|name| Some((name, Domain::parse(name).err()?)));
        match bad {
            None => Ok(()),
            Some((name, bad)) => Err(Problem::new(
                "trusted_sealers",
                format!("'{name}': {bad}; right would be a domain such as 'lists.example.org'"),
            )),
        }
    }
}
