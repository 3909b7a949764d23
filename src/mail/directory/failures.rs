//! Failed logins, counted: who fails again and again waits, whatever protocol they come by.
//!
//! Counted by the address of the client, and by account. A wait for an address slows one that guesses; a wait for an account
//! slows guesses that come from many addresses, and holds only for addresses that are new to the account: nobody can shut its
//! owner out. An address from which somebody has logged in to the account has, for this account, a count of its own.
//!
//! The wait comes before the check: a client that hangs up early has learned nothing. Everything is kept in memory, bounded by
//! `auth.failure_entries`, and fades.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;

use crate::config;
use crate::model::clock::milliseconds;
use crate::model::refusal::Refusal;
use crate::model::site::Site;

/// What is counted beyond the free failures: each doubles the wait, so more would only take longer to fade.
const MOST_COUNTED: u32 = 10;

/// All counts.
pub(super) struct Failures {
    settings: config::Auth,
    keys: RandomState,
    sites: Counts,
    accounts: Counts,
    /// Pairs of account and address that have seen a success.
    familiar: Counts,
    waiting: Mutex<HashMap<Site, usize>>,
}

/// Failures by what they are counted for: the moment, in milliseconds, at which the last of them is forgotten.
struct Counts(Cache<u64, i64>);

/// A login that is tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    site: Option<Site>,
    /// Whether the address itself is counted.
    alone: bool,
    account: u64,
    pair: u64,
}

impl Counts {
    fn new(entries: usize) -> Self {
        Self(Cache::new(entries as u64))
    }

    fn count(&self, key: u64, now_ms: i64, each_ms: i64) -> u32 {
        let left = self.0.get(&key).map_or(0, |until| until.saturating_sub(now_ms).max(0));
        u32::try_from(left.saturating_add(each_ms - 1) / each_ms).unwrap_or(u32::MAX)
    }

    fn add(&self, key: u64, now_ms: i64, each_ms: i64, most: u32) {
        let latest = now_ms.saturating_add(each_ms.saturating_mul(i64::from(most)));
        self.0.entry(key).and_upsert_with(|known| {
            let until = known.map_or(now_ms, |known| known.into_value().max(now_ms));
            until.saturating_add(each_ms).min(latest)
        });
    }
}

impl Failures {
    pub(super) fn new(settings: config::Auth) -> Self {
        let entries = settings.failure_entries;
        Self {
            keys: RandomState::new(),
            sites: Counts::new(entries),
            accounts: Counts::new(entries),
            familiar: Counts::new(entries),
            waiting: Mutex::default(),
            settings,
        }
    }

    /// A login to this account, or to one that does not exist, from this address.
    pub(super) fn attempt(&self, account: &str, from: Option<IpAddr>) -> Attempt {
        let site = from.map(Site::of);
        let shared = from.is_some_and(|ip| self.settings.shared_addresses.iter().any(|network| network.contains(ip)));
        Attempt {
            site,
            alone: site.is_some() && !shared,
            account: self.keys.hash_one(account),
            pair: self.keys.hash_one((account, site)),
        }
    }

    /// Waits as long as the failures so far ask for. TryLater: too many wait from this address already.
    pub(super) async fn wait(&self, attempt: Attempt, now_ms: i64) -> Result<(), Refusal> {
        let delay = self.delay(attempt, now_ms);
        if delay.is_zero() {
            return Ok(());
        }
        let _place = match attempt.site.filter(|_| attempt.alone) {
            Some(site) => Some(Waiting::take(self, site).ok_or(Refusal::TryLater { after: Some(delay) })?),
            None => None,
        };
        tokio::time::sleep(delay).await;
        Ok(())
    }

    fn delay(&self, attempt: Attempt, now_ms: i64) -> Duration {
        let each = self.each_ms();
        let (of_address, of_account) = (self.settings.free_failures_per_address, self.settings.free_failures_per_account);
        let beyond = if self.is_familiar(attempt) {
            self.familiar.count(attempt.pair, now_ms, each).saturating_sub(of_address)
        } else {
            let by_account = self.accounts.count(attempt.account, now_ms, each).saturating_sub(of_account);
            let by_site = self.site(attempt).map_or(0, |site| self.sites.count(site, now_ms, each));
            by_account.max(by_site.saturating_sub(of_address))
        };
        match beyond.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => Duration::from_secs((1 << doublings.min(MOST_COUNTED)).min(self.settings.max_failure_delay_seconds)),
        }
    }

    /// Counts a failure; the address that it is counted for, if it is.
    pub(super) fn failed(&self, attempt: Attempt, now_ms: i64) -> Option<Site> {
        let each = self.each_ms();
        let most = |free: u32| free.saturating_add(MOST_COUNTED);
        let (of_address, of_account) = (
            most(self.settings.free_failures_per_address),
            most(self.settings.free_failures_per_account),
        );
        if self.is_familiar(attempt) {
            self.familiar.add(attempt.pair, now_ms, each, of_address);
            return None;
        }
        self.accounts.add(attempt.account, now_ms, each, of_account);
        if let Some(site) = self.site(attempt) {
            self.sites.add(site, now_ms, each, of_address);
        }
        attempt.site.filter(|_| attempt.alone)
    }

    /// From now on the address is no stranger to this account. What it owes stays: somebody with one account must not be able
    /// to guess the passwords of others for nothing.
    pub(super) fn succeeded(&self, attempt: Attempt, now_ms: i64) {
        if attempt.site.is_some() {
            self.familiar.0.entry(attempt.pair).or_insert(now_ms);
        }
    }

    fn is_familiar(&self, attempt: Attempt) -> bool {
        attempt.site.is_some() && self.familiar.0.get(&attempt.pair).is_some()
    }

    fn site(&self, attempt: Attempt) -> Option<u64> {
        attempt.site.filter(|_| attempt.alone).map(|site| self.keys.hash_one(site))
    }

    fn each_ms(&self) -> i64 {
        milliseconds(self.settings.forget_failure_seconds.max(1))
    }
}

/// One of those who wait from an address; given back when dropped.
struct Waiting<'f> {
    failures: &'f Failures,
    site: Site,
}

impl<'f> Waiting<'f> {
    fn take(failures: &'f Failures, site: Site) -> Option<Self> {
        let mut all = failures.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(site).or_default();
        if *count >= failures.settings.max_delayed_per_address {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Self { failures, site })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut all = self.failures.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.site) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                all.remove(&self.site);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures() -> Failures {
        Failures::new(config::Auth {
            free_failures_per_address: 2,
            free_failures_per_account: 4,
            forget_failure_seconds: 10,
            max_failure_delay_seconds: 5,
            max_delayed_per_address: 1,
            shared_addresses: vec!["198.51.100.0/24".to_owned().try_into().unwrap()],
            ..Default::default()
        })
    }

    fn from(failures: &Failures, account: &str, ip: &str) -> Attempt {
        failures.attempt(account, ip.parse().ok())
    }

    #[test]
    fn an_address_waits_longer_with_each_failure_and_is_forgiven_in_time() {
        let all = failures();
        let mut waits = Vec::new();
        for account in ["a", "b", "c", "d", "e", "f", "g"] {
            let attempt = from(&all, account, "192.0.2.1");
            waits.push(all.delay(attempt, 0).as_secs());
            all.failed(attempt, 0);
        }
        assert_eq!(waits, [0, 0, 0, 1, 2, 4, 5]);
        let (other, same) = (from(&all, "a", "192.0.2.2"), from(&all, "h", "192.0.2.1"));
        assert_eq!(all.delay(other, 0), Duration::ZERO);
        // Seven failures, one of which is forgotten every ten seconds.
        assert_eq!(all.delay(same, 40_000).as_secs(), 1);
        assert_eq!(all.delay(same, 50_000), Duration::ZERO);
        let (near, far) = (from(&all, "h", "2001:db8::1"), from(&all, "h", "2001:db8:0:1::1"));
        (0..4).for_each(|_| _ = all.failed(from(&all, "x", "2001:db8::2"), 0));
        assert_eq!((all.delay(near, 0).as_secs(), all.delay(far, 0).as_secs()), (2, 0));
    }

    #[test]
    fn an_account_that_is_guessed_at_from_everywhere_stays_open_to_its_owner() {
        let all = failures();
        let home = from(&all, "ada", "192.0.2.77");
        all.succeeded(home, 0);
        for n in 0..9 {
            all.failed(from(&all, "ada", &format!("192.0.2.{n}")), 0);
        }
        assert_eq!(all.delay(home, 0), Duration::ZERO);
        assert_eq!(all.delay(from(&all, "ada", "192.0.2.99"), 0).as_secs(), 5);
        assert_eq!(all.delay(from(&all, "bob", "192.0.2.99"), 0), Duration::ZERO);
        // Guesses from the owner's own network are slowed there, and only there.
        (0..4).for_each(|_| _ = all.failed(home, 0));
        assert_eq!(all.delay(home, 0).as_secs(), 2);
        assert_eq!(all.delay(from(&all, "bob", "192.0.2.77"), 0), Duration::ZERO);
    }

    #[test]
    fn a_shared_address_and_a_socket_count_by_account() {
        let all = failures();
        for n in 0..9 {
            all.failed(from(&all, &n.to_string(), "198.51.100.1"), 0);
            all.failed(all.attempt("bob", None), 0);
        }
        assert_eq!(all.delay(from(&all, "ada", "198.51.100.1"), 0), Duration::ZERO);
        assert_eq!(all.delay(from(&all, "bob", "198.51.100.1"), 0).as_secs(), 5);
    }

    #[tokio::test]
    async fn not_everybody_may_wait() {
        let all = failures();
        let attempt = from(&all, "ada", "192.0.2.1");
        (0..3).for_each(|_| _ = all.failed(attempt, 0));
        let mut first = std::pin::pin!(all.wait(attempt, 0));
        assert!(futures_util::poll!(&mut first).is_pending());
        let too_many = Refusal::TryLater {
            after: Some(Duration::from_secs(1)),
        };
        assert_eq!(all.wait(attempt, 0).await, Err(too_many));
        assert_eq!(first.await, Ok(()));
        assert!(all.waiting.lock().unwrap().is_empty());
    }
}
