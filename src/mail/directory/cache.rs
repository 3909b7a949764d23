//! Answers kept in memory, and how they are dropped.
//!
//! Each answer carries the generation in which its lookup began, and holds only in that generation. A change begins a new
//! one, so an answer computed from rows that were read before the change can never be found after it, whenever it is put in.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use moka::sync::Cache;

use super::app_passwords::KnownAppPassword;
use super::keys::KnownKey;
use super::token_keys::TokenKeys;
use super::{Departure, Inner, Route};
use crate::model::account::User;
use crate::model::refusal::Refusal;
use crate::store;

/// A user as logins and tokens need them.
pub(super) struct Account {
    pub(super) user: Arc<User>,
    pub(super) password: Option<String>,
    pub(super) scram: Option<String>,
    pub(super) totp: bool,
    pub(super) token_epoch: i64,
}

impl From<store::db::users::StoredUser> for Account {
    fn from(stored: store::db::users::StoredUser) -> Self {
        Self {
            user: Arc::new(stored.user),
            password: stored.password,
            scram: stored.scram,
            totp: stored.totp,
            token_epoch: stored.token_epoch,
        }
    }
}

/// All answers that hold until the directory changes.
pub(super) struct Caches {
    generation: AtomicU64,
    /// The last version of the directory that we know of.
    version: AtomicI64,
    /// By canonical address; refusals as well.
    pub(super) routes: Answers<Result<Route, Refusal>>,
    /// By login name; also that there is none.
    pub(super) accounts: Answers<Option<Arc<Account>>>,
    /// By the digest of the key.
    pub(super) keys: Answers<Arc<KnownKey>>,
    /// By the digest of the app password; also that there is none.
    pub(super) app_passwords: Answers<Option<Arc<KnownAppPassword>>>,
    /// Sessions of the API that are not over.
    pub(super) sessions: Answers<()>,
    /// The keys that sign access tokens, under one name.
    pub(super) token_keys: Answers<Arc<TokenKeys>>,
}

/// The generation in which a lookup began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation(u64);

impl Caches {
    pub(super) fn new(version: i64, entries: usize) -> Self {
        Self {
            generation: AtomicU64::new(0),
            version: AtomicI64::new(version),
            // A route to a thousand addresses weighs a thousand times as much as one to a single user.
            routes: Answers::new(entries, |answer| match answer {
                Ok(Route::Here { users, forwards }) => users.len().saturating_add(forwards.len()),
                _ => 1,
            }),
            accounts: Answers::new(entries, |_| 1),
            keys: Answers::new(entries.min(1_000), |_| 1),
            app_passwords: Answers::new(entries, |_| 1),
            sessions: Answers::new(entries, |()| 1),
            token_keys: Answers::new(1, |_| 1),
        }
    }

    /// To be asked before the rows are read.
    pub(super) fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::SeqCst))
    }

    /// A change made here has been stored as number `version`.
    pub(super) fn changed_here(&self, version: i64) {
        // So that the watcher does not take it for somebody else's; it fails if there was one in between, as it should.
        let _ = self
            .version
            .compare_exchange(version - 1, version, Ordering::SeqCst, Ordering::SeqCst);
        self.drop_all();
    }

    /// The database is at `version`: drops everything if that is news; whether it is.
    fn seen(&self, version: i64) -> bool {
        let is_news = self.version.swap(version, Ordering::SeqCst) != version;
        if is_news {
            self.drop_all();
        }
        is_news
    }

    fn drop_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

/// Answers by text, each good in one generation only.
pub(super) struct Answers<V>(Cache<Box<str>, (Generation, V)>);

impl<V: Clone + Send + Sync + 'static> Answers<V> {
    fn new(entries: usize, weight: impl Fn(&V) -> usize + Send + Sync + 'static) -> Self {
        let cache = Cache::builder()
            .max_capacity(entries as u64)
            .weigher(move |_, (_, value): &(Generation, V)| u32::try_from(weight(value)).unwrap_or(u32::MAX))
            .build();
        Self(cache)
    }

    pub(super) fn find(&self, now: Generation, key: &str) -> Option<V> {
        self.0.get(key).filter(|(then, _)| *then == now).map(|(_, value)| value)
    }

    pub(super) fn keep(&self, began: Generation, key: &str, value: V) {
        self.0.insert(key.into(), (began, value));
    }
}

/// Asks the database again and again whether the directory was changed by others, while anybody uses it.
pub(super) async fn watch(inner: Weak<Inner>) {
    let mut failing = false;
    loop {
        let Some(pause) = inner.upgrade().map(|inner| inner.settings.watch_milliseconds.max(10)) else {
            return;
        };
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let Some(inner) = inner.upgrade() else { return };
        match inner.look().await {
            Ok(()) => failing = false,
            // Once is enough: everything else that asks the database says so as well.
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "cannot see whether the directory was changed elsewhere");
            }
            Err(_) => {}
        }
    }
}

impl Inner {
    async fn look(&self) -> Result<(), store::Error> {
        let mut tx = self.database.read().await?;
        let version = store::db::settings::directory_version(&mut tx).await?;
        if self.caches.seen(version) {
            self.announce(Departure::Unknown);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_from_before_a_change_is_not_found_after_it() {
        let caches = Caches::new(7, 10);
        let began = caches.generation();
        caches.changed_here(8);
        caches.accounts.keep(began, "a", None);
        assert!(caches.accounts.find(caches.generation(), "a").is_none());
        caches.accounts.keep(caches.generation(), "a", None);
        assert!(caches.accounts.find(caches.generation(), "a").is_some());
        // Our own change is no news, another's is.
        caches.seen(8);
        assert!(caches.accounts.find(caches.generation(), "a").is_some());
        caches.seen(9);
        assert!(caches.accounts.find(caches.generation(), "a").is_none());
    }
}
