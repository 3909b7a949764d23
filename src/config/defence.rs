//! Who is kept out.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::network::Network;

/// Who is kept out: bans of addresses from which passwords are guessed, over all protocols and the API, or recipients.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Defence {
    /// How many logins from one address (of IPv6: one /64) may fail within `defence.window_seconds` before it is banned: nothing of it
    /// is taken any more, on all nodes. Logins that only wait (see `auth.free_failures_per_address`) count as well; the same wrong password again
    /// does not, nor does an account from an address from which somebody has logged in to it. 0: nobody is banned.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_failures: u32,
    /// The same for a whole network, an IPv4 /24 or an IPv6 /48, of whose addresses each stays below. 0: no network is banned.
    #[schemars(range(min = 0, max = 10_000_000))]
    pub max_failures_per_network: u32,
    /// How many more recipients whom there is not than such whom there are an address (of IPv6: one /64) that has not logged in may ask for
    /// within `defence.window_seconds` before it is banned, as one who tries out which there are. From a fifth of them on it is answered
    /// slower. 0: as many as it likes.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_unknown_recipients: u32,
    /// How many messages a network, an IPv4 /24 or an IPv6 /64, may bring in an hour without logging in, a tenth of them at once; those beyond
    /// are put off with 451. Each node counts for itself. 0: no bound.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub messages_per_hour: u64,
    /// The same for recipients.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub recipients_per_hour: u64,
    /// For how many seconds failures are counted together.
    #[schemars(range(min = 1, max = 604_800))]
    pub window_seconds: u64,
    /// For how many seconds the first ban holds; each further one of the same address or network is twice as long.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub ban_seconds: u64,
    /// The longest ban, in seconds.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub max_ban_seconds: u64,
    /// For how many hours after its end a ban makes the next one longer.
    #[schemars(range(min = 0, max = 87_600))]
    pub remember_hours: u64,
    /// Networks, such as `192.0.2.7/32`, that are never banned or put off, besides those of the allowlist: one's own, a proxy, a webmail, a
    /// second MX.
    pub allow: Vec<Network>,
    /// How often, in milliseconds, the database is asked whether another node or a command has changed bans or lists.
    #[schemars(range(min = 10, max = 3_600_000))]
    pub watch_milliseconds: u64,
    /// How many bans and entries of lists are held in memory; those beyond are not kept to, which the log says.
    #[schemars(range(min = 100, max = 10_000_000))]
    pub max_entries: usize,
}

impl Default for Defence {
    fn default() -> Self {
        let network = |text: &str| Network::try_from(text.to_owned()).ok();
        Self {
            max_failures: 20,
            max_failures_per_network: 100,
            max_unknown_recipients: 50,
            messages_per_hour: 0,
            recipients_per_hour: 0,
            window_seconds: 3_600,
            ban_seconds: 3_600,
            max_ban_seconds: 604_800,
            remember_hours: 168,
            allow: ["127.0.0.0/8", "::1/128"].into_iter().filter_map(network).collect(),
            watch_milliseconds: 2_000,
            max_entries: 100_000,
        }
    }
}
