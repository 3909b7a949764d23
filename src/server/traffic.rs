//! How many connections there are and were, by listener.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::mail::counters::Labels;

/// The connections of all listeners.
#[derive(Default)]
pub(super) struct AllTraffic {
    open: Family<Labels<2>, Gauge>,
    accepted: Family<Labels<2>, Counter>,
    refused: Family<Labels<2>, Counter>,
}

/// Those of one.
pub(super) struct Traffic {
    open: Gauge,
    accepted: Counter,
    refused: Counter,
}

/// A connection that is open until this is dropped.
pub(super) struct Open(Gauge);

impl AllTraffic {
    /// Those of a key of `[listen]`, such as `listen.imaps`.
    pub(super) fn of(&self, key: &'static str) -> Traffic {
        let listener = key.strip_prefix("listen.").unwrap_or(key);
        let labels = [("protocol", protocol(listener)), ("listener", listener)];
        Traffic {
            open: self.open.get_or_create_owned(&labels),
            accepted: self.accepted.get_or_create_owned(&labels),
            refused: self.refused.get_or_create_owned(&labels),
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("connections", "Connections that are open", self.open.clone());
        registry.register("connections_accepted", "Connections that were taken", self.accepted.clone());
        registry.register(
            "connections_refused",
            "Connections that were one too many, of all or of one address",
            self.refused.clone(),
        );
    }
}

impl Traffic {
    /// Counts a connection.
    pub(super) fn open(&self) -> Open {
        self.accepted.inc();
        self.open.inc();
        Open(self.open.clone())
    }

    /// Counts one that is not taken.
    pub(super) fn refuse(&self) {
        self.refused.inc();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn protocol(listener: &str) -> &'static str {
    match listener {
        "imap" | "imaps" => "imap",
        "pop3" | "pop3s" => "pop3",
        "managesieve" => "managesieve",
        "lmtp" => "lmtp",
        _ => "smtp",
    }
}
