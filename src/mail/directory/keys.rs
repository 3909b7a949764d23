//! API keys: `phk_` and 256 bits of chance, of which only the SHA-256 is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Directory, domains, fields};
use crate::model::account::{ApiKey, Role};
use crate::model::address::Domain;
use crate::model::clock::timestamp;
use crate::model::ids::ApiKeyId;
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::store::db::api_keys;

/// What every key begins with, so that a leaked one is recognised.
pub(super) const PREFIX: &str = "phk_";
const MAX_NAME: usize = 255;
const MINUTE_MS: i64 = 60_000;

/// A key that was used a moment ago.
pub(super) struct KnownKey {
    key: Arc<ApiKey>,
    /// The last minute of use that was written down, in milliseconds.
    used_ms: AtomicI64,
}

impl Directory {
    /// All keys, oldest first.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, Refusal> {
        Ok(api_keys::list(&mut self.inner.database.read().await?).await?)
    }

    /// The key and its secret (`phk_…`), which is shown this once. Errors: NotFound (the domain), Invalid.
    pub async fn create_api_key(
        &self,
        name: String,
        role: Role,
        domain: Option<Domain>,
        expires_at: Option<Timestamp>,
    ) -> Result<(ApiKey, Secret), Refusal> {
        fields::text("name", &name, MAX_NAME)?;
        check_scope(role, domain.as_ref())?;
        let text = random_text(PREFIX);
        let key = ApiKey {
            id: ApiKeyId::fresh(),
            name,
            role,
            domain,
            created_at: self.inner.now(),
            expires_at: expires_at.map(|at| timestamp(at.as_millisecond())),
            last_used_at: None,
        };
        let mut change = self.inner.change().await?;
        if let Some(domain) = &key.domain {
            domains::known(&mut change.tx, domain).await?;
        }
        api_keys::insert(&mut change.tx, &key, &digest(&text)).await?;
        change.commit().await?;
        Ok((key, Secret::new(text)))
    }

    /// Removes a key; it stops working at once. Errors: NotFound.
    pub async fn remove_api_key(&self, id: ApiKeyId) -> Result<(), Refusal> {
        let mut change = self.inner.change().await?;
        if !api_keys::delete(&mut change.tx, id).await? {
            return Err(fields::not_found("API key", id));
        }
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
                let used = key.last_used_at.map_or(i64::MIN, Timestamp::as_millisecond);
                let known = Arc::new(KnownKey {
                    key: Arc::new(key),
                    used_ms: AtomicI64::new(used),
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
        let now = now.as_millisecond();
        let minute = now - now.rem_euclid(MINUTE_MS);
        if known.used_ms.fetch_max(minute, Ordering::SeqCst) >= minute {
            return;
        }
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

/// A key administers everything, or one domain.
fn check_scope(role: Role, domain: Option<&Domain>) -> Result<(), Refusal> {
    let (field, problem) = match (role, domain) {
        (Role::ServerAdmin, None) | (Role::DomainAdmin, Some(_)) => return Ok(()),
        (Role::ServerAdmin, Some(_)) => ("domain", "a server administrator's key is for all domains"),
        (Role::DomainAdmin, None) => ("domain", "a domain administrator's key needs a domain"),
        (Role::User, _) => ("role", "a key is a server administrator's or a domain administrator's"),
    };
    Err(Refusal::Invalid {
        field,
        problem: problem.into(),
    })
}

/// The prefix and 256 bits of chance.
pub(super) fn random_text(prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

/// What is stored of such a text. It has too much chance in it to need a slow hash.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|octet| format!("{octet:02x}")).collect()
}
