//! Where passwords are hashed: off the network threads, a bounded number at a time, a bounded number waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::password;
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;

/// How many may wait for each that is at work: at some 20 milliseconds a hash, the last waits some seconds.
const WAITING_FOR_EACH: usize = 200;

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

pub(super) struct Hashing {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    most: usize,
}

impl Hashing {
    /// `parallel` at a time; 0: one for each core.
    pub(super) fn new(parallel: usize) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let parallel = if parallel == 0 {
            cores()
        } else {
            parallel.min(Semaphore::MAX_PERMITS)
        };
        Self {
            permits: Arc::new(Semaphore::new(parallel)),
            waiting: AtomicUsize::new(0),
            most: parallel.saturating_mul(WAITING_FOR_EACH),
        }
    }

    /// Whether `stored` is a hash of the password. Without one, as long as with one and [`Verdict::Wrong`].
    pub(super) async fn check(&self, stored: Option<&str>, password: &Secret) -> Result<Verdict, Refusal> {
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

    /// A hash of the password in our scheme.
    pub(super) async fn hash(&self, password: &Secret) -> Result<String, Refusal> {
        let password = password.clone();
        self.run(move || password::hash(password.expose())).await?.ok_or(Refusal::LATER)
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
