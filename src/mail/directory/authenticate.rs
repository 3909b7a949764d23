//! Login names and passwords.

use std::net::IpAddr;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use moka::sync::Cache;
use sha2::Sha256;

use super::cache::Account;
use super::hashing::Verdict;
use super::{Directory, Inner, fields};
use crate::model::account::User;
use crate::model::address::{EmailAddress, Host};
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::store;

/// No password is longer; hashing more would be work for nothing.
pub(super) const MAX_PASSWORD_OCTETS: usize = 1_024;

impl Directory {
    /// Checks a login name and password (argon2 off the network threads, bounded; a success is remembered for
    /// `auth.cache_seconds`, a legacy hash is upgraded). The name may be an address in any case, or in a domain that is
    /// another name of the user's. Errors: BadCredentials, TryLater.
    pub async fn authenticate(&self, login: &str, password: &Secret, from: Option<IpAddr>) -> Result<Arc<User>, Refusal> {
        self.account_of(login, password, from)
            .await
            .map(|account| Arc::clone(&account.user))
    }

    pub(super) async fn account_of(&self, login: &str, password: &Secret, from: Option<IpAddr>) -> Result<Arc<Account>, Refusal> {
        let inner = &self.inner;
        let account = match fields::login_key(login) {
            Some(key) => inner.account(&key).await?,
            None => None,
        };
        let password_of_no_one = password.expose().len() > MAX_PASSWORD_OCTETS;
        let stored = account.as_ref().and_then(|account| account.password.as_deref());
        let proof = account
            .as_ref()
            .zip(stored)
            .and_then(|(account, stored)| inner.remembered.proof(&account.user, stored, password));
        let now = inner.clock.now_ms();
        let verdict = match proof {
            _ if password_of_no_one => Verdict::Wrong,
            Some(proof) if inner.remembered.holds(&proof, now) => Verdict::Right,
            _ => inner.hashing.check(stored, password).await?,
        };
        match (account, verdict) {
            (Some(account), Verdict::Right | Verdict::RightButOutdated) if account.user.enabled => {
                if let Some(proof) = proof.filter(|_| verdict == Verdict::Right) {
                    inner.remembered.keep(proof, now, inner.auth.cache_seconds);
                }
                if verdict == Verdict::RightButOutdated {
                    inner.upgrade(&account, password).await;
                }
                Ok(account)
            }
            _ => {
                let from = from.map(tracing::field::display);
                tracing::info!(login, from, "login failed");
                Err(Refusal::BadCredentials)
            }
        }
    }
}

impl Inner {
    /// The user who logs in by this name, which is a [`fields::login_key`].
    pub(super) async fn account(&self, key: &str) -> Result<Option<Arc<Account>>, store::Error> {
        let generation = self.caches.generation();
        if let Some(known) = self.caches.accounts.find(generation, key) {
            return Ok(known);
        }
        let mut tx = self.database.read().await?;
        let mut found = store::db::users::find(&mut tx, key).await?;
        if found.is_none()
            && let Some(real) = real_login(&mut tx, key).await?
        {
            found = store::db::users::find(&mut tx, &real).await?;
        }
        let account = found.map(|stored| Arc::new(Account::from(stored)));
        self.caches.accounts.keep(generation, key, account.clone());
        Ok(account)
    }

    /// Replaces a hash of the old kind by one of ours. If that fails, the next login tries again.
    async fn upgrade(&self, account: &Account, password: &Secret) {
        let Some(old) = &account.password else { return };
        let upgraded = async {
            let new = self.hashing.hash(password).await?;
            let mut change = self.change().await?;
            store::db::users::replace_hash(&mut change.tx, account.user.id, old, &new).await?;
            change.commit().await?;
            Ok::<_, Refusal>(())
        };
        match upgraded.await {
            Ok(()) => tracing::info!(login = account.user.login, "password hashed anew with argon2id"),
            Err(error) => tracing::warn!(login = account.user.login, %error, "password could not be hashed anew"),
        }
    }
}

/// The key in the domain that the login's domain is another name of.
async fn real_login(tx: &mut store::db::Tx, key: &str) -> Result<Option<String>, store::Error> {
    let Some((local, domain)) = key.rsplit_once('@') else {
        return Ok(None);
    };
    let Ok(domain) = domain.parse() else {
        return Ok(None);
    };
    let record = store::db::domains::find(tx, &domain).await?;
    let real = record.filter(|record| record.enabled).and_then(|record| record.alias_of);
    let address = real.and_then(|real| EmailAddress::new(local, Host::Domain(real)).ok());
    Ok(address.map(|address| address.canonical()))
}

/// Logins that succeeded a moment ago, by a keyed digest of everything they depended on: a changed password, a changed hash
/// or another user makes another digest, so nothing has to be dropped.
pub(super) struct Remembered {
    key: [u8; 32],
    until_ms: Cache<[u8; 32], i64>,
}

impl Remembered {
    pub(super) fn new(settings: &crate::config::Directory) -> Self {
        Self {
            key: rand::random(),
            until_ms: Cache::new(settings.cache_entries as u64),
        }
    }

    fn proof(&self, user: &User, stored: &str, password: &Secret) -> Option<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(&user.id.0.to_be_bytes());
        for part in [stored, password.expose()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Some(mac.finalize().into_bytes().into())
    }

    fn holds(&self, proof: &[u8; 32], now_ms: i64) -> bool {
        self.until_ms.get(proof).is_some_and(|until| now_ms < until)
    }

    fn keep(&self, proof: [u8; 32], now_ms: i64, seconds: u64) {
        let milliseconds = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
        // A success that is used again does not live longer for it.
        if seconds > 0 && !self.holds(&proof, now_ms) {
            self.until_ms.insert(proof, now_ms.saturating_add(milliseconds));
        }
    }
}
