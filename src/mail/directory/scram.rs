//! Logins by SCRAM: the keys of a user, and what becomes of the proof.
//!
//! A user who has no keys, or who does not exist, is given keys that nothing fits, with a salt that is always the same: nobody
//! learns who is here.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::cache::Account;
use super::failures::Attempt;
use super::{Directory, Login, Visit, fields, password};
use crate::model::login::LoginOutcome;
use crate::model::refusal::Refusal;
use crate::store::{
    self,
    db::{Tx, settings},
};
use crate::wire::sasl::scram::Keys;

/// As many octets as the salts that we make.
const SALT: usize = 16;

/// A login under way.
pub struct ScramLogin {
    /// The name as the client gave it, and how it came: for the log.
    name: String,
    visit: Visit,
    attempt: Attempt,
    account: Option<Arc<Account>>,
}

/// What the salts of those who have none are made of: the same on all nodes, for ever.
pub(super) async fn seed(tx: &mut Tx) -> Result<Vec<u8>, store::Error> {
    settings::get_or_set(tx, "scram_seed", &rand::random::<[u8; 32]>()).await
}

impl Directory {
    /// Whether SCRAM is offered.
    pub fn offers_scram(&self) -> bool {
        self.inner.auth.scram
    }

    /// The keys to go on with, for this login name. After failures it takes its time. Errors: TryLater.
    pub async fn begin_scram(&self, login: &str, visit: Visit) -> Result<(ScramLogin, Keys), Refusal> {
        let attempt = self.inner.attempt(login, visit.from).await?;
        let account = self.inner.named(login).await?;
        // With a second factor there are app passwords, of which no keys are kept.
        let found = account
            .as_ref()
            .filter(|account| !account.totp)
            .and_then(|account| keys_of(account));
        let account = account.filter(|account| found.is_some() && account.user.enabled);
        let keys = found.unwrap_or_else(|| self.nobodys(login));
        let login = ScramLogin {
            name: login.to_owned(),
            visit,
            attempt,
            account,
        };
        Ok((login, keys))
    }

    /// The end: whether the proof was right. Errors: BadCredentials.
    pub fn finish_scram(&self, login: ScramLogin, right: bool) -> Result<Login, Refusal> {
        let now = self.inner.clock.now_ms();
        match login.account.filter(|_| right) {
            Some(account) => {
                self.inner.failures.succeeded(login.attempt, now);
                self.inner.note(&account.user.login, login.visit, LoginOutcome::Success);
                Ok(Login::from(&*account))
            }
            None => {
                self.inner.failed(login.attempt);
                self.inner.note(&login.name, login.visit, LoginOutcome::WrongPassword);
                Err(Refusal::BadCredentials)
            }
        }
    }

    /// Keys that nothing fits.
    fn nobodys(&self, login: &str) -> Keys {
        let key = fields::login_key(login).unwrap_or_default();
        let mut salt = vec![0; SALT];
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.inner.scram_seed) {
            mac.update(key.as_bytes());
            let digest = mac.finalize().into_bytes();
            salt.iter_mut().zip(digest).for_each(|(salt, octet)| *salt = octet);
        }
        Keys {
            iterations: self.inner.auth.scram_iterations,
            salt,
            stored: rand::random(),
            server: rand::random(),
        }
    }
}

/// The keys that were made for SCRAM, or those that the password was given as.
fn keys_of(account: &Account) -> Option<Keys> {
    match &account.scram {
        Some(text) => password::scram::parse(text),
        None => match password::Hash::parse(account.password.as_deref()?)? {
            password::Hash::Scram(keys) => Some(keys),
            _ => None,
        },
    }
}
