//! Where passwords are hashed: off the network threads, a bounded number at a time, a bounded number waiting.
//!
//! Each address has a line of its own, from which it comes to the common one with its share only: however many passwords one
//! address sends, others wait for no more than that share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::password;
use crate::config;
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::model::site::Site;

/// How many may wait for each that is at work: at some 20 milliseconds a hash, the last waits some seconds.
const WAITING_FOR_EACH: usize = 200;

/// One address has no more than this part of those places.
const PART_OF_ONE: usize = 4;

/// argon2id at our parameters, of no password: what an unknown login name is checked against, so that it takes as long.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5cyBoYXNoISEhIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What checking a password said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Wrong,
    Right,
    /// Right, and the hash is to be replaced.
    RightButOutdated,
}

/// What is stored of a password.
pub(super) struct Hashed {
    pub(super) hash: String,
    pub(super) scram: Option<String>,
}

pub(super) struct Hashing {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    most: usize,
    /// How many of one address come to the common line.
    share: usize,
    /// The iterations of SCRAM keys, where they are kept.
    scram: Option<u32>,
    sites: Mutex<HashMap<Site, Arc<OwnLine>>>,
}

/// The line of one address.
struct OwnLine {
    turns: Semaphore,
    waiting: AtomicUsize,
}

impl Hashing {
    pub(super) fn new(settings: &config::Auth) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let parallel = match settings.parallel_hashes {
            0 => cores(),
            parallel => parallel.min(Semaphore::MAX_PERMITS),
        };
        let share = match settings.parallel_hashes_per_address {
            0 => parallel / 2,
            share => share.min(parallel),
        };
        Self {
            permits: Arc::new(Semaphore::new(parallel)),
            waiting: AtomicUsize::new(0),
            most: parallel.saturating_mul(WAITING_FOR_EACH),
            share: share.max(1),
            scram: settings.scram.then_some(settings.scram_iterations),
            sites: Mutex::default(),
        }
    }

    /// Whether `stored` is a hash of the password. Without one, as long as with one and [`Verdict::Wrong`].
    pub(super) async fn check(&self, stored: Option<&str>, password: &Secret, from: Option<Site>) -> Result<Verdict, Refusal> {
        let Some(site) = from else {
            return self.check_now(stored, password).await;
        };
        let line = OfSite::enter(self, site);
        let _place = Place::take(&line.own.waiting, self.most / PART_OF_ONE).ok_or(Refusal::LATER)?;
        let _turn = line.own.turns.acquire().await.map_err(|_| Refusal::LATER)?;
        self.check_now(stored, password).await
    }

    async fn check_now(&self, stored: Option<&str>, password: &Secret) -> Result<Verdict, Refusal> {
        let stored = stored.unwrap_or(NOBODYS).to_owned();
        let password = password.clone();
        self.run(move || {
            let Some(hash) = password::Hash::parse(&stored) else {
                tracing::warn!("a stored password has a scheme that is not known");
                return Verdict::Wrong;
            };
            match (hash.matches(password.expose()), hash.is_outdated()) {
                (false, _) => Verdict::Wrong,
                (true, false) => Verdict::Right,
                (true, true) => Verdict::RightButOutdated,
            }
        })
        .await
    }

    /// A hash of the password in our scheme, and its keys for SCRAM where they are kept.
    pub(super) async fn hash(&self, password: &Secret) -> Result<Hashed, Refusal> {
        let (password, scram) = (password.clone(), self.scram);
        let hashed = self.run(move || {
            Some(Hashed {
                hash: password::hash(password.expose())?,
                scram: scram.and_then(|iterations| password::scram::make(password.expose(), iterations)),
            })
        });
        hashed.await?.ok_or(Refusal::LATER)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
        let _place = Place::take(&self.waiting, self.most).ok_or(Refusal::LATER)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Refusal::LATER)?;
        let done = tokio::task::spawn_blocking(move || {
            // Given back when the work ends, even if nobody waits for it any more.
            let _permit = permit;
            work()
        });
        done.await.map_err(|_| Refusal::LATER)
    }
}

/// The line of an address, while somebody stands in it.
struct OfSite<'h> {
    hashing: &'h Hashing,
    site: Site,
    own: Arc<OwnLine>,
}

impl<'h> OfSite<'h> {
    fn enter(hashing: &'h Hashing, site: Site) -> Self {
        let mut sites = hashing.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let own = sites.entry(site).or_insert_with(|| {
            Arc::new(OwnLine {
                turns: Semaphore::new(hashing.share),
                waiting: AtomicUsize::new(0),
            })
        });
        Self {
            hashing,
            site,
            own: Arc::clone(own),
        }
    }
}

impl Drop for OfSite<'_> {
    fn drop(&mut self) {
        let mut sites = self.hashing.sites.lock().unwrap_or_else(PoisonError::into_inner);
        // The table's and this one: nobody else is there, and nobody enters without the lock.
        if Arc::strong_count(&self.own) <= 2 {
            sites.remove(&self.site);
        }
    }
}

/// A place in the line; given back when dropped.
struct Place<'l>(&'l AtomicUsize);

impl<'l> Place<'l> {
    fn take(line: &'l AtomicUsize, most: usize) -> Option<Self> {
        let place = Self(line);
        (line.fetch_add(1, Ordering::SeqCst) < most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_hash_costs_what_ours_cost() {
        let hash = password::Hash::parse(NOBODYS).unwrap();
        assert!(!hash.is_outdated());
        assert!(!hash.matches(""));
    }

    #[tokio::test]
    async fn one_address_does_not_take_all() {
        let hashing = Hashing::new(&config::Auth {
            parallel_hashes: 2,
            ..Default::default()
        });
        let site = |ip: &str| ip.parse().ok().map(Site::of);
        // As if hashes of the address were at work, as many as it may have.
        let busy = OfSite::enter(&hashing, site("192.0.2.1").unwrap());
        let turn = busy.own.turns.acquire().await.unwrap();
        let password = Secret::new("x");
        let mut waiting = std::pin::pin!(hashing.check(None, &password, site("192.0.2.1")));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert_eq!(hashing.waiting.load(Ordering::SeqCst), 0, "it came to the common line");
        assert_eq!(hashing.check(None, &password, site("192.0.2.2")).await, Ok(Verdict::Wrong));
        drop(turn);
        assert_eq!(waiting.await, Ok(Verdict::Wrong));
        drop(busy);
        assert!(hashing.sites.lock().unwrap().is_empty());
    }

    #[test]
    fn the_line_has_an_end() {
        let line = AtomicUsize::new(0);
        let first = Place::take(&line, 1);
        assert!(first.is_some());
        assert!(Place::take(&line, 1).is_none());
        drop(first);
        assert!(Place::take(&line, 1).is_some());
    }
}
