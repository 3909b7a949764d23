//! The keys that sign access tokens: one signs, those before it are honoured until the last token that they signed has ended.

use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};

use super::{Directory, Inner};
use crate::model::audit::{Deed, Resource};
use crate::model::clock::timestamp;
use crate::model::ids::TokenKeyId;
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::settings;
use crate::store::db::token_keys::{self, TokenKey};
use crate::store::db::{Database, Tx};

/// Under which name they are kept in memory.
const ALL: &str = "";

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its id.
    pub id: TokenKeyId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when what it signed is honoured; none: it signs.
    pub ends_at: Option<Timestamp>,
}

impl From<&TokenKey> for SigningKey {
    fn from(key: &TokenKey) -> Self {
        Self {
            id: key.id,
            created_at: timestamp(key.created_ms),
            ends_at: key.ends_ms.map(timestamp),
        }
    }
}

/// All of them, ready for use.
pub(super) struct TokenKeys {
    signs: (TokenKeyId, EncodingKey),
    honoured: Vec<(TokenKeyId, DecodingKey, Option<i64>)>,
    validation: Validation,
}

impl TokenKeys {
    fn new(keys: &[TokenKey]) -> Option<Self> {
        let signs = keys.iter().find(|key| key.ends_ms.is_none())?;
        let mut validation = Validation::new(Algorithm::HS256);
        // The end is compared with our own clock.
        validation.validate_exp = false;
        let decoding = |key: &TokenKey| (key.id, DecodingKey::from_secret(&key.secret), key.ends_ms);
        Some(Self {
            signs: (signs.id, EncodingKey::from_secret(&signs.secret)),
            honoured: keys.iter().map(decoding).collect(),
            validation,
        })
    }

    /// A token with these claims.
    pub(super) fn sign(&self, claims: &impl serde::Serialize) -> Result<String, Refusal> {
        let (id, key) = &self.signs;
        let header = Header {
            kid: Some(id.to_string()),
            ..Header::new(Algorithm::HS256)
        };
        jsonwebtoken::encode(&header, claims, key).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Refusal::LATER
        })
    }

    /// The claims of a token that one of the keys has signed.
    pub(super) fn read<T: serde::de::DeserializeOwned + Clone>(&self, token: &str, now_ms: i64) -> Option<T> {
        let id: TokenKeyId = jsonwebtoken::decode_header(token).ok()?.kid?.parse().ok()?;
        let honoured = |end: &Option<i64>| end.is_none_or(|end| now_ms < end);
        let (_, key, _) = self.honoured.iter().find(|(known, _, end)| *known == id && honoured(end))?;
        jsonwebtoken::decode::<T>(token, key, &self.validation).ok().map(|data| data.claims)
    }
}

fn fresh(now_ms: i64) -> TokenKey {
    TokenKey {
        id: TokenKeyId::fresh(),
        secret: rand::random::<[u8; 32]>().to_vec(),
        created_ms: now_ms,
        ends_ms: None,
    }
}

/// Makes the first key, once for all nodes.
pub(super) async fn ensure(database: &Database, now_ms: i64) -> Result<(), store::Error> {
    let mut tx = database.write().await?;
    if token_keys::list(&mut tx).await?.iter().any(|key| key.ends_ms.is_none()) {
        return Ok(());
    }
    drop(tx);
    let mut tx = database.write().await?;
    // Whoever else begins at the same moment waits here for the end of this transaction.
    settings::bump_directory_version(&mut tx).await?;
    if token_keys::list(&mut tx).await?.iter().all(|key| key.ends_ms.is_some()) {
        token_keys::insert(&mut tx, &fresh(now_ms)).await?;
    }
    tx.commit().await
}

impl Directory {
    /// The keys that sign access tokens, or did and are honoured; the newest first.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, Refusal> {
        let mut tx = self.inner.database.read().await?;
        Ok(kept(&mut tx, self.inner.clock.now_ms())
            .await?
            .iter()
            .map(SigningKey::from)
            .collect())
    }

    /// Makes a new key that signs from now on. What the old one signed is honoured until it ends.
    pub async fn rotate_signing_key(&self) -> Result<SigningKey, Refusal> {
        let now = self.inner.clock.now_ms();
        let lives = i64::try_from(self.inner.auth.access_token_seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1_000);
        let new = fresh(now);
        let mut change = self.change().await?;
        token_keys::retire(&mut change.tx, now, now.saturating_add(lives)).await?;
        token_keys::insert(&mut change.tx, &new).await?;
        change.note(Deed::TokenKeyRotated, Resource::of_server("jwt-keys", new.id), (None, None));
        change.commit().await?;
        Ok(SigningKey::from(&new))
    }
}

async fn kept(tx: &mut Tx, now_ms: i64) -> Result<Vec<TokenKey>, store::Error> {
    let mut keys = token_keys::list(tx).await?;
    keys.retain(|key| key.ends_ms.is_none_or(|end| now_ms < end));
    Ok(keys)
}

impl Inner {
    /// The keys of this moment.
    pub(super) async fn token_keys(&self) -> Result<Arc<TokenKeys>, store::Error> {
        let generation = self.caches.generation();
        if let Some(keys) = self.caches.token_keys.find(generation, ALL) {
            return Ok(keys);
        }
        let keys = kept(&mut self.database.read().await?, self.clock.now_ms()).await?;
        let keys = TokenKeys::new(&keys).ok_or(store::Error::Corrupt("token_keys.ends_at"))?;
        let keys = Arc::new(keys);
        self.caches.token_keys.keep(generation, ALL, Arc::clone(&keys));
        Ok(keys)
    }
}
