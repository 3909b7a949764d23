//! What mail clients are told to be set up with.

use std::net::SocketAddr;

use crate::config::Config;
use crate::model::client::ClientServers;

/// The ports that are configured for them, or else those of the listeners.
pub(super) fn servers<'l>(config: &Config, listeners: impl Iterator<Item = (&'l str, &'l [String])> + Clone) -> ClientServers {
    let host = match config.client.host.as_str() {
        "" => config.hostname.clone(),
        host => host.to_owned(),
    };
    ClientServers::new(host, |listener| {
        let of_listener = || {
            let (_, addresses) = listeners.clone().find(|(name, _)| *name == listener)?;
            addresses
                .iter()
                .find_map(|address| Some(address.parse::<SocketAddr>().ok()?.port()))
        };
        let configured = config.client.ports.get(listener).copied();
        configured.or_else(of_listener).filter(|port| *port != 0)
    })
}
