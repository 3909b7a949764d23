//! Proxies in front of the server.

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;
use crate::model::network::Network;

/// Proxies in front of the server, such as HAProxy, that say by the PROXY protocol whose connections they hand on.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Proxy {
    /// Networks, such as `192.0.2.7/32`, whose connections to the mail listeners begin with a header of the PROXY protocol, version 1 or
    /// 2: the client's address in it is the one that limits, bans and logs are about. A connection from there without such a header is
    /// closed; from elsewhere a header is no more than a wrong command. Not for HTTP.
    pub from: Vec<Network>,
    /// The listeners for which that holds, by their names in `[listen]`, such as `"smtp"`. Empty: all but HTTP.
    pub listeners: Vec<String>,
    /// How many seconds the header may take to come.
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u64,
}

/// The listeners that can stand behind a proxy.
const LISTENERS: [&str; 9] = [
    "smtp",
    "submission",
    "submissions",
    "lmtp",
    "imap",
    "imaps",
    "pop3",
    "pop3s",
    "managesieve",
];

impl Default for Proxy {
    fn default() -> Self {
        Self {
            from: Vec::new(),
            listeners: Vec::new(),
            timeout_seconds: 5,
        }
    }
}

impl Proxy {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        match self.listeners.iter().find(|name| !LISTENERS.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => {
                let text = format!("has {name:?}; right would be any of {}", LISTENERS.join(", "));
                Err(Problem::new("listeners", text))
            }
        }
    }
}
