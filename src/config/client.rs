//! What mail clients are told to be set up with.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;
use crate::model::address::Domain;
use crate::model::client::ClientServers;

/// What mail clients are told to be set up with, by the HTTP listeners and in DNS records.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Client {
    /// The name by which mail clients reach this server. Empty: `hostname`.
    pub host: String,
    /// The ports by which they do, by the names of the listeners (`imaps`, `submissions`, …), where a proxy or a port mapping makes them
    /// others than those of `[listen]`. 0: clients are not told of it.
    pub ports: BTreeMap<String, u16>,
}

impl Client {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        if !self.host.is_empty()
            && let Err(bad) = Domain::parse(&self.host)
        {
            let text = format!("'{}': {bad}; right would be a name such as 'mail.example.org'", self.host);
            return Err(Problem::new("host", text));
        }
        let names = ClientServers::LISTENERS.map(|(name, _, _)| name);
        match self.ports.keys().find(|name| !names.contains(&name.as_str())) {
            Some(name) => {
                let text = format!(
                    "'{name}' is no listener that mail clients come by; right would be {}",
                    names.join(", ")
                );
                Err(Problem::new("ports", text))
            }
            None => Ok(()),
        }
    }
}
