//! Login names and passwords.

use std::net::IpAddr;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use moka::sync::Cache;
use sha2::Sha256;

use super::cache::{Account, Generation};
use super::failures::Attempt;
use super::hashing::Verdict;
use super::{Directory, Inner, Login, Visit, fields, password};
use crate::model::address::{EmailAddress, Host};
use crate::model::audit::Actor;
use crate::model::clock::milliseconds;
use crate::model::login::{LoginOutcome, Protocol};
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::model::site::Site;
use crate::store;

/// No password is longer; hashing more would be work for nothing.
pub(super) const MAX_PASSWORD_OCTETS: usize = 1_024;

/// Somebody who has proved to know the password, or an app password.
pub(super) struct Proved {
    pub(super) account: Arc<Account>,
    pub(super) attempt: Attempt,
}

impl Directory {
    /// Checks a login name and password (argon2 off the network threads, bounded; a success is remembered for
    /// `auth.cache_seconds`, a legacy hash is upgraded), or an app password. The name may be an address in any case, or in a domain that is
    /// another name of the user's. Who has a second factor logs in to all but the API with app passwords only. After failures it takes its
    /// time. Errors: BadCredentials, TryLater.
    pub async fn authenticate(&self, login: &str, password: &Secret, visit: Visit) -> Result<Login, Refusal> {
        let Proved { account, .. } = self.prove(login, password, visit).await?;
        if visit.protocol != Protocol::Api {
            self.inner.note(&account.user.login, visit, LoginOutcome::Success);
        }
        Ok(Login::from(&*account))
    }

    /// The same without an entry in the login log for a success, which may not be one yet.
    pub(super) async fn prove(&self, login: &str, password: &Secret, visit: Visit) -> Result<Proved, Refusal> {
        let inner = &self.inner;
        let attempt = inner.attempt(login, visit.from).await?;
        let account = inner.named(login).await?;
        let outcome = inner.outcome(login, account.as_deref(), password, (attempt, visit)).await?;
        match (account, outcome) {
            (Some(account), LoginOutcome::Success) => {
                inner.failures.succeeded(attempt, inner.clock.now_ms());
                Ok(Proved { account, attempt })
            }
            (account, outcome) => {
                let name = account.as_ref().map_or(login, |account| &account.user.login);
                inner.note(name, visit, outcome);
                Err(Refusal::BadCredentials)
            }
        }
    }
}

/// What a client claims, and what it is checked against.
struct Claim<'c> {
    login: &'c str,
    stored: Option<&'c str>,
    password: &'c Secret,
}

impl Inner {
    /// How a login with this password ends, before any code is asked for.
    async fn outcome(
        &self,
        login: &str,
        account: Option<&Account>,
        password: &Secret,
        (attempt, visit): (Attempt, Visit),
    ) -> Result<LoginOutcome, Refusal> {
        if let Some(outcome) = self.by_app_password(account, password, visit).await? {
            return Ok(match account {
                Some(account) if !account.user.enabled => LoginOutcome::Disabled,
                _ => outcome,
            });
        }
        let stored = account.and_then(|account| account.password.as_deref());
        let verdict = self.check(attempt, &Claim { login, stored, password }, visit.from).await?;
        Ok(match (account, verdict) {
            (None, _) => LoginOutcome::UnknownUser,
            (Some(_), Verdict::Wrong) => LoginOutcome::WrongPassword,
            (Some(account), _) if !account.user.enabled => LoginOutcome::Disabled,
            (Some(account), _) if account.totp && visit.protocol != Protocol::Api => LoginOutcome::AppPasswordNeeded,
            (Some(account), verdict) => {
                if verdict == Verdict::RightButOutdated || self.lacks_scram(account, password) {
                    self.upgrade(account, password).await;
                }
                LoginOutcome::Success
            }
        })
    }

    /// Begins a login: waits as long as those ask for that failed before.
    pub(super) async fn attempt(&self, login: &str, from: Option<IpAddr>) -> Result<Attempt, Refusal> {
        // Whoever was banned while they were here is not heard any more.
        if let (Some(defence), Some(ip)) = (self.defence.get(), from)
            && defence.refuses(ip).is_some()
        {
            return Err(Refusal::LATER);
        }
        // An account has one count, by whatever name of it.
        let account = self.named(login).await?;
        let name = account.as_ref().map_or(login, |account| &account.user.login);
        let attempt = self.failures.attempt(name, from);
        self.failures.wait(attempt, self.clock.now_ms()).await?;
        Ok(attempt)
    }

    /// Counts a failed login.
    pub(super) fn failed(&self, attempt: Attempt) {
        let counted = self.failures.failed(attempt, self.clock.now_ms());
        if let (Some(defence), Some(site)) = (self.defence.get(), counted) {
            defence.failed(site.ip());
        }
    }

    /// The user of a login name as the client gave it.
    pub(super) async fn named(&self, login: &str) -> Result<Option<Arc<Account>>, Refusal> {
        match fields::login_key(login) {
            Some(key) => Ok(self.account(&key).await?),
            None => Ok(None),
        }
    }

    /// Whether the password is right; a failure is counted unless it is the same as a moment ago. No step is left out where there
    /// is no such user.
    async fn check(&self, attempt: Attempt, claim: &Claim<'_>, from: Option<IpAddr>) -> Result<Verdict, Refusal> {
        let &Claim { login, stored, password } = claim;
        let proof = [login, stored.unwrap_or_default(), password.expose()];
        let now = self.clock.now_ms();
        let (right, wrong) = (self.remembered.digest(&proof), self.wrong.digest(&proof));
        if self.wrong.holds(&wrong, now) {
            return Ok(Verdict::Wrong);
        }
        let verdict = if password.expose().len() > MAX_PASSWORD_OCTETS {
            Verdict::Wrong
        } else if self.remembered.holds(&right, now) {
            Verdict::Right
        } else {
            self.hashing.check(stored, password, from.map(Site::of)).await?
        };
        match verdict {
            Verdict::Right => self.remembered.keep(right, now),
            // The hash that it was right for is about to go.
            Verdict::RightButOutdated => {}
            Verdict::Wrong => {
                self.wrong.keep(wrong, now);
                self.failed(attempt);
            }
        }
        Ok(verdict)
    }

    /// The user who logs in by this name, which is a [`fields::login_key`].
    pub(super) async fn account(&self, key: &str) -> Result<Option<Arc<Account>>, store::Error> {
        let generation = self.caches.generation();
        if let Some(known) = self.caches.accounts.find(generation, key) {
            return Ok(known);
        }
        // On the heap, so that it costs those nothing who find it in memory: every session that waits for its client has asked.
        Box::pin(self.read_account(generation, key)).await
    }

    async fn read_account(&self, generation: Generation, key: &str) -> Result<Option<Arc<Account>>, store::Error> {
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

    /// Whether keys of SCRAM are kept, and this account has none. A password that has none (RFC 4013 §2.3) is not hashed anew for it.
    fn lacks_scram(&self, account: &Account, password: &Secret) -> bool {
        self.auth.scram && account.scram.is_none() && password::scram::has_keys(password.expose())
    }

    /// Replaces a hash of the old kind by one of ours. If that fails, the next login tries again.
    async fn upgrade(&self, account: &Account, password: &Secret) {
        let Some(old) = &account.password else { return };
        let upgraded = async {
            let new = self.hashing.hash(password).await?;
            let mut change = self.change(&Arc::new(Actor::server())).await?;
            store::db::users::replace_hash(&mut change.tx, account.user.id, old, (&new.hash, new.scram.as_deref())).await?;
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

/// Checks of a moment ago that came out one way, by a keyed digest of everything they depended on: a changed password, a changed
/// hash or another user makes another digest, so nothing has to be dropped.
pub(super) struct Remembered {
    key: [u8; 32],
    until_ms: Cache<[u8; 32], i64>,
    seconds: u64,
}

type Digest = Option<[u8; 32]>;

impl Remembered {
    pub(super) fn new(entries: usize, seconds: u64) -> Self {
        Self {
            key: rand::random(),
            until_ms: Cache::new(entries as u64),
            seconds,
        }
    }

    fn digest(&self, parts: &[&str]) -> Digest {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Some(mac.finalize().into_bytes().into())
    }

    fn holds(&self, digest: &Digest, now_ms: i64) -> bool {
        let until = digest.as_ref().and_then(|digest| self.until_ms.get(digest));
        until.is_some_and(|until| now_ms < until)
    }

    fn keep(&self, digest: Digest, now_ms: i64) {
        // What is used again does not live longer for it.
        if let Some(octets) = digest.filter(|_| self.seconds > 0 && !self.holds(&digest, now_ms)) {
            self.until_ms.insert(octets, now_ms.saturating_add(milliseconds(self.seconds)));
        }
    }
}
