//! What of bans and lists is held in memory.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::model::access::{AccessEntry, AccessList, Ban, Subject};
use crate::model::address::EmailAddress;
use crate::model::network::Network;

/// All that holds, each with the millisecond in which it ends; `i64::MAX`: never.
#[derive(Default)]
pub(super) struct Held {
    pub(super) bans: Networks,
    pub(super) blocked: Networks,
    pub(super) allowed: Networks,
    /// Addresses and domains in their one spelling.
    senders: HashMap<(AccessList, String), i64>,
}

/// Networks that are looked up by the addresses in them, as often as there are sizes of them.
#[derive(Default)]
pub(super) struct Networks {
    ends: HashMap<Network, i64>,
    /// The sizes that occur, of IPv4 and of IPv6.
    sizes: [Vec<u8>; 2],
}

impl Networks {
    fn add(&mut self, network: Network, end: i64) {
        let [v4, v6] = &mut self.sizes;
        let sizes = if network.is_ipv4() { v4 } else { v6 };
        if !sizes.contains(&network.bits()) {
            sizes.push(network.bits());
        }
        let known = self.ends.entry(network).or_insert(end);
        *known = end.max(*known);
    }

    /// When the last of the networks ends that have this address; none: no network has.
    pub(super) fn holds(&self, ip: IpAddr, now_ms: i64) -> Option<i64> {
        if self.ends.is_empty() {
            return None;
        }
        let [v4, v6] = &self.sizes;
        let sizes = if ip.to_canonical().is_ipv4() { v4 } else { v6 };
        let ends = sizes.iter().filter_map(|bits| self.ends.get(&Network::around(ip, *bits)));
        ends.copied().filter(|end| *end > now_ms).max()
    }
}

impl Held {
    pub(super) fn ban(&mut self, ban: &Ban) {
        self.bans.add(ban.network, end(ban.ends_at));
    }

    pub(super) fn list(&mut self, list: AccessList, entry: &AccessEntry) {
        let end = end(entry.ends_at);
        match (&entry.subject, list) {
            (Subject::Network(network), AccessList::Block) => self.blocked.add(*network, end),
            (Subject::Network(network), AccessList::Allow) => self.allowed.add(*network, end),
            (sender, list) => {
                self.senders.insert((list, sender.to_string()), end);
            }
        }
    }

    /// What is said of this sender: of the address, else of its domain, else of the one above that, and so on.
    pub(super) fn sender(&self, sender: &EmailAddress, now_ms: i64) -> Option<AccessList> {
        if self.senders.is_empty() {
            return None;
        }
        let says = |name: &str| {
            let lists = [AccessList::Allow, AccessList::Block];
            let holds = |list: &AccessList| self.senders.get(&(*list, name.to_owned())).is_some_and(|end| *end > now_ms);
            lists.into_iter().find(holds)
        };
        if let Some(list) = says(&sender.canonical()) {
            return Some(list);
        }
        let mut name = sender.domain()?.as_str();
        loop {
            if let Some(list) = says(name) {
                return Some(list);
            }
            (_, name) = name.split_once('.')?;
        }
    }
}

fn end(ends_at: Option<jiff::Timestamp>) -> i64 {
    ends_at.map_or(i64::MAX, |at| at.as_millisecond())
}
