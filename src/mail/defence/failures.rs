//! Failed logins by address and network, and the bans that follow from them before the database knows.

use std::net::IpAddr;

use moka::sync::Cache;

use crate::config;
use crate::model::clock::milliseconds;
use crate::model::network::Network;

/// Counts of failures. Bounded; what is not touched for long goes first.
pub(super) struct Failures {
    /// By network: how many, and when the first of them was.
    counts: Cache<Network, (u32, i64)>,
    /// Networks that are banned from here, until when.
    banned: Cache<Network, i64>,
    max_failures: u32,
    max_failures_per_network: u32,
    window_ms: i64,
    ban_ms: i64,
}

/// What counts as one address, and the network around it.
fn networks(ip: IpAddr) -> [Network; 2] {
    [(32, 64), (24, 48)].map(|bits| Network::around_either(ip, bits))
}

impl Failures {
    pub(super) fn new(settings: &config::Defence) -> Self {
        Self {
            counts: Cache::new(settings.max_entries as u64),
            banned: Cache::new(settings.max_entries as u64),
            max_failures: settings.max_failures,
            max_failures_per_network: settings.max_failures_per_network,
            window_ms: milliseconds(settings.window_seconds),
            ban_ms: milliseconds(settings.ban_seconds),
        }
    }

    /// Counts a failure; the networks that are banned from now on for it.
    pub(super) fn failed(&self, ip: IpAddr, now_ms: i64) -> Vec<Network> {
        let limits = [self.max_failures, self.max_failures_per_network];
        let too_many = networks(ip).into_iter().zip(limits).filter(|(network, most)| {
            let count = self.count(*network, now_ms);
            *most != 0 && count >= *most
        });
        let banned: Vec<Network> = too_many.map(|(network, _)| network).collect();
        for network in &banned {
            self.counts.invalidate(network);
            self.banned.insert(*network, now_ms.saturating_add(self.ban_ms));
        }
        banned
    }

    /// Bans an address, whatever it has done; of IPv6 its /64.
    pub(super) fn ban(&self, ip: IpAddr, now_ms: i64) -> Network {
        let [own, _] = networks(ip);
        self.banned.insert(own, now_ms.saturating_add(self.ban_ms));
        own
    }

    fn count(&self, network: Network, now_ms: i64) -> u32 {
        let entry = self.counts.entry(network).and_upsert_with(|known| match known {
            Some(known) => {
                let (count, first) = known.into_value();
                // One that begins later than now was begun by a clock that was ahead.
                let is_over = !(0..self.window_ms).contains(&now_ms.saturating_sub(first));
                if is_over { (1, now_ms) } else { (count.saturating_add(1), first) }
            }
            None => (1, now_ms),
        });
        entry.into_value().0
    }

    /// Until when the address is banned from here, if it is.
    pub(super) fn banned(&self, ip: IpAddr, now_ms: i64) -> Option<i64> {
        networks(ip)
            .iter()
            .filter_map(|network| self.banned.get(network))
            .filter(|until| *until > now_ms)
            .max()
    }

    /// The database says now whether this network is banned.
    pub(super) fn settle(&self, network: Network) {
        self.banned.invalidate(&network);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures() -> Failures {
        Failures::new(&config::Defence {
            max_failures: 3,
            max_failures_per_network: 6,
            window_seconds: 60,
            ban_seconds: 10,
            ..Default::default()
        })
    }

    fn fail(all: &Failures, ip: &str, now_ms: i64) -> Vec<String> {
        all.failed(ip.parse().unwrap(), now_ms).iter().map(Network::to_string).collect()
    }

    #[test]
    fn an_address_is_banned_after_so_many_failures_within_the_window() {
        let all = failures();
        let none: [String; 0] = [];
        assert_eq!(fail(&all, "192.0.2.1", 0), none);
        assert_eq!(fail(&all, "192.0.2.1", 1), none);
        // The window of the first two is over.
        assert_eq!(fail(&all, "192.0.2.1", 60_001), none);
        assert_eq!(fail(&all, "192.0.2.1", 60_002), none);
        assert_eq!(fail(&all, "::ffff:192.0.2.1", 60_003), ["192.0.2.1/32"]);
        let banned = |ip: &str, now| all.banned(ip.parse().unwrap(), now);
        assert_eq!(banned("192.0.2.1", 60_004), Some(70_003));
        assert_eq!((banned("192.0.2.1", 70_003), banned("192.0.2.2", 60_004)), (None, None));
        all.settle(Network::around("192.0.2.1".parse().unwrap(), 32));
        assert_eq!(banned("192.0.2.1", 60_004), None);
    }

    #[test]
    fn a_network_is_banned_whose_addresses_each_stay_below() {
        let all = failures();
        let banned: Vec<_> = (0..6).flat_map(|n| fail(&all, &format!("192.0.2.{n}"), 0)).collect();
        assert_eq!(banned, ["192.0.2.0/24"]);
        let banned: Vec<_> = (0..6).flat_map(|n| fail(&all, &format!("2001:db8:0:{n}::1"), 0)).collect();
        assert_eq!(banned, ["2001:db8::/48"]);
        let banned: Vec<_> = (0..3).flat_map(|n| fail(&all, &format!("2001:db8:1::{n}"), 0)).collect();
        assert_eq!(banned, ["2001:db8:1::/64"]);
    }
}
