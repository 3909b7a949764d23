//! API keys: `phk_` and 256 bits of chance, of which only the SHA-256 is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{ApiKeyChange, Directory, NewApiKey, domains, fields};
use crate::mail::audit::Shown;
use crate::model::account::{ApiKey, Role};
use crate::model::address::Domain;
use crate::model::audit::{Deed, Resource};
use crate::model::clock::timestamp;
use crate::model::ids::ApiKeyId;
use crate::model::refusal::Refusal;
use crate::model::scope::Scope;
use crate::model::secret::Secret;
use crate::store::db::{Tx, api_keys};

/// What every key begins with, so that a leaked one is recognised.
pub(super) const PREFIX: &str = "phk_";
const MAX_NAME: usize = 255;
const MAX_DOMAINS: usize = 1_000;
const MINUTE_MS: i64 = 60_000;

/// A key that was used a moment ago.
pub(super) struct KnownKey {
    key: Arc<ApiKey>,
    used: LastUse,
}

/// The last minute of use that was written down.
pub(super) struct LastUse(AtomicI64);

impl LastUse {
    pub(super) fn new(at: Option<Timestamp>) -> Self {
        Self(AtomicI64::new(at.map_or(i64::MIN, Timestamp::as_millisecond)))
    }

    /// The minute of this use, in milliseconds, if it is to be written down: once.
    pub(super) fn minute_to_note(&self, now: Timestamp) -> Option<i64> {
        let now = now.as_millisecond();
        let minute = now - now.rem_euclid(MINUTE_MS);
        (self.0.fetch_max(minute, Ordering::SeqCst) < minute).then_some(minute)
    }
}

impl Directory {
    /// All keys, oldest first.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, Refusal> {
        Ok(api_keys::list(&mut self.inner.database.read().await?).await?)
    }

    /// One key. Errors: NotFound.
    pub async fn api_key(&self, id: ApiKeyId) -> Result<ApiKey, Refusal> {
        known(&mut self.inner.database.read().await?, id).await
    }

    /// The key and its secret (`phk_…`), which is shown this once. Errors: NotFound (a domain), Invalid.
    pub async fn create_api_key(&self, new: NewApiKey) -> Result<(ApiKey, Secret), Refusal> {
        fields::text("name", &new.name, MAX_NAME)?;
        let text = random_text(PREFIX);
        let now = self.inner.now();
        let key = ApiKey {
            id: ApiKeyId::fresh(),
            name: new.name,
            role: role(&new.domains),
            scopes: scopes(new.scopes)?,
            domains: new.domains,
            created_at: now,
            updated_at: now,
            expires_at: new.expires_at.map(|at| timestamp(at.as_millisecond())),
            last_used_at: None,
        };
        let mut change = self.change().await?;
        domains_are_there(&mut change.tx, &key.domains).await?;
        api_keys::insert(&mut change.tx, &key, &digest(&text)).await?;
        change.note(Deed::ApiKeyCreated, Resource::api_key(key.id), (None, key.shown()));
        change.commit().await?;
        Ok((key, Secret::new(text)))
    }

    /// Changes a key: what is `None` stays. Errors: NotFound (the key, a domain), Invalid, Changed.
    pub async fn change_api_key(&self, id: ApiKeyId, wanted: ApiKeyChange) -> Result<ApiKey, Refusal> {
        fields::text("name", wanted.name.as_deref().unwrap_or_default(), MAX_NAME)?;
        let scopes = wanted.scopes.map(scopes).transpose()?;
        let mut change = self.change().await?;
        let mut key = known(&mut change.tx, id).await?;
        self.check(Some(key.revision()))?;
        let before = key.shown();
        key.name = wanted.name.unwrap_or(key.name);
        key.scopes = scopes.unwrap_or(key.scopes);
        if let Some(domains) = wanted.domains {
            domains_are_there(&mut change.tx, &domains).await?;
            key.role = role(&domains);
            key.domains = domains;
        }
        if let Some(end) = wanted.expires_at {
            key.expires_at = end.map(|at| timestamp(at.as_millisecond()));
        }
        key.updated_at = self.inner.after(key.updated_at);
        api_keys::update(&mut change.tx, &key).await?;
        change.note(Deed::ApiKeyChanged, Resource::api_key(id), (before, key.shown()));
        change.commit().await?;
        Ok(key)
    }

    /// Gives a key another secret, which is shown this once; the old one stops working at once. Errors: NotFound, Changed.
    pub async fn rotate_api_key(&self, id: ApiKeyId) -> Result<(ApiKey, Secret), Refusal> {
        let text = random_text(PREFIX);
        let mut change = self.change().await?;
        let mut key = known(&mut change.tx, id).await?;
        self.check(Some(key.revision()))?;
        key.updated_at = self.inner.after(key.updated_at);
        api_keys::update(&mut change.tx, &key).await?;
        api_keys::set_secret(&mut change.tx, id, &digest(&text)).await?;
        change.note(Deed::ApiKeyRotated, Resource::api_key(id), (None, None));
        change.commit().await?;
        Ok((key, Secret::new(text)))
    }

    /// Removes a key; it stops working at once. Errors: NotFound, Changed.
    pub async fn remove_api_key(&self, id: ApiKeyId) -> Result<(), Refusal> {
        let mut change = self.change().await?;
        let key = known(&mut change.tx, id).await?;
        self.check(Some(key.revision()))?;
        api_keys::delete(&mut change.tx, id).await?;
        change.note(Deed::ApiKeyRemoved, Resource::api_key(id), (key.shown(), None));
        change.commit().await?;
        Ok(())
    }

    /// The key with this text. Errors: BadCredentials, TryLater.
    pub(super) async fn key(&self, text: &str) -> Result<Arc<ApiKey>, Refusal> {
        let inner = &self.inner;
        let digest = digest(text);
        let generation = inner.caches.generation();
        let known = match inner.caches.keys.find(generation, &digest) {
            Some(known) => known,
            None => {
                let found = api_keys::find(&mut inner.database.read().await?, &digest).await?;
                let key = found.ok_or(Refusal::BadCredentials)?;
                let known = Arc::new(KnownKey {
                    used: LastUse::new(key.last_used_at),
                    key: Arc::new(key),
                });
                inner.caches.keys.keep(generation, &digest, Arc::clone(&known));
                known
            }
        };
        let now = inner.clock.now();
        if known.key.expires_at.is_some_and(|end| end <= now) {
            return Err(Refusal::BadCredentials);
        }
        self.note_use(&known, now).await;
        Ok(Arc::clone(&known.key))
    }

    /// Writes down the minute, once. A key works even when that fails.
    async fn note_use(&self, known: &KnownKey, now: Timestamp) {
        let Some(minute) = known.used.minute_to_note(now) else { return };
        let noted = async {
            let mut tx = self.inner.database.write().await?;
            api_keys::touch(&mut tx, known.key.id, minute).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the use of an API key was not noted");
        }
    }
}

async fn known(tx: &mut Tx, id: ApiKeyId) -> Result<ApiKey, Refusal> {
    api_keys::find_id(tx, id).await?.ok_or_else(|| fields::not_found("API key", id))
}

/// A key administers everything, or its domains.
const fn role(domains: &[Domain]) -> Role {
    match domains {
        [] => Role::ServerAdmin,
        _ => Role::DomainAdmin,
    }
}

/// At least one, each once.
fn scopes(mut scopes: Vec<Scope>) -> Result<Vec<Scope>, Refusal> {
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(Refusal::Invalid {
            field: "scopes",
            problem: "a key without any scope could do nothing; right would be such as [\"users:read\"], or [\"*\"]".into(),
        });
    }
    Ok(scopes)
}

async fn domains_are_there(tx: &mut Tx, all: &[Domain]) -> Result<(), Refusal> {
    if all.len() > MAX_DOMAINS {
        return Err(Refusal::Invalid {
            field: "domains",
            problem: format!("more than {MAX_DOMAINS} domains"),
        });
    }
    for domain in all {
        domains::known(tx, domain).await?;
    }
    Ok(())
}

/// The prefix and 256 bits of chance.
pub(super) fn random_text(prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

/// What is stored of such a text. It has too much chance in it to need a slow hash.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|octet| format!("{octet:02x}")).collect()
}
