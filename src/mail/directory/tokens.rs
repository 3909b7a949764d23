//! Access tokens (JWT, HS256) and refresh tokens.
//!
//! The signing key is made once and kept in the database, so that the tokens of one node are good on all. An access token is
//! short-lived, and names the user's token epoch: a new password or being disabled ends all tokens at once.

use std::net::IpAddr;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::cache::Account;
use super::{Directory, Login, Principal, Tokens, keys};
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::store::db::{Tx, settings, tokens, users};
use crate::store::{self};

const REFRESH_PREFIX: &str = "phr_";
/// Longer than any token of ours: nothing longer is looked at.
const MAX_TOKEN_OCTETS: usize = 4_096;

/// RFC 7519 §4.1, and what ours add.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    /// The login name.
    sub: String,
    /// The user's id: somebody else may have the name later.
    uid: i64,
    /// The user's token epoch.
    epoch: i64,
    /// Seconds since 1970.
    iat: i64,
    /// Seconds since 1970.
    exp: i64,
}

/// The key that signs access tokens.
pub(super) struct Signing {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl Signing {
    /// The key of all nodes, made by the first.
    pub(super) async fn load(tx: &mut Tx) -> Result<Self, store::Error> {
        let key = settings::get_or_set(tx, "token_key", &rand::random::<[u8; 32]>()).await?;
        let mut validation = Validation::new(Algorithm::HS256);
        // The end is compared with our own clock.
        validation.validate_exp = false;
        Ok(Self {
            encoding: EncodingKey::from_secret(&key),
            decoding: DecodingKey::from_secret(&key),
            validation,
        })
    }

    fn sign(&self, claims: &Claims) -> Result<String, Refusal> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.encoding).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Refusal::LATER
        })
    }

    fn read(&self, token: &str) -> Option<Claims> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation);
        data.ok().map(|data| data.claims)
    }
}

impl Directory {
    /// A login over the API: tokens for what `authenticate` finds. Errors: BadCredentials, TryLater.
    pub async fn login(&self, login: &str, password: &Secret, from: Option<IpAddr>) -> Result<Tokens, Refusal> {
        let account = self.account_of(login, password, from).await?;
        let mut tx = self.inner.database.write().await?;
        tokens::delete_expired(&mut tx, self.inner.clock.now_ms()).await?;
        // The password may have been upgraded or changed while it was checked: the epoch of this moment counts.
        let current = users::find_id(&mut tx, account.user.id).await?.map(Account::from);
        let current = current.filter(|it| it.user.enabled && it.token_epoch == account.token_epoch);
        let given = self.give(&mut tx, &current.ok_or(Refusal::BadCredentials)?).await?;
        tx.commit().await?;
        Ok(given)
    }

    /// New tokens for a refresh token, which is spent by this. Errors: BadCredentials, TryLater.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Tokens, Refusal> {
        if refresh_token.len() > MAX_TOKEN_OCTETS || !refresh_token.starts_with(REFRESH_PREFIX) {
            return Err(Refusal::BadCredentials);
        }
        let mut tx = self.inner.database.write().await?;
        let spent = tokens::take(&mut tx, &keys::digest(refresh_token)).await?;
        let spent = spent
            .filter(|it| it.expires_at_ms > self.inner.clock.now_ms())
            .ok_or(Refusal::BadCredentials)?;
        let account = users::find_id(&mut tx, spent.user).await?.map(Account::from);
        let account = account.filter(|it| it.user.enabled && it.token_epoch == spent.epoch);
        let given = self.give(&mut tx, &account.ok_or(Refusal::BadCredentials)?).await?;
        tx.commit().await?;
        Ok(given)
    }

    /// Who a bearer token (JWT or `phk_…` key) stands for. Errors: BadCredentials, TryLater.
    pub async fn bearer(&self, token: &str) -> Result<Principal, Refusal> {
        if token.len() > MAX_TOKEN_OCTETS {
            return Err(Refusal::BadCredentials);
        }
        if token.starts_with(keys::PREFIX) {
            return self.key(token).await.map(Principal::Key);
        }
        let account = self.account_with(token).await?;
        Ok(Principal::User(Arc::clone(&account.user)))
    }

    /// A login by an access token, instead of a password. Errors: BadCredentials, TryLater.
    pub async fn token_login(&self, token: &Secret) -> Result<Login, Refusal> {
        let account = self.account_with(token.expose()).await?;
        Ok(Login::from(&*account))
    }

    async fn account_with(&self, token: &str) -> Result<Arc<Account>, Refusal> {
        if token.len() > MAX_TOKEN_OCTETS {
            return Err(Refusal::BadCredentials);
        }
        let claims = self.inner.signing.read(token).ok_or(Refusal::BadCredentials)?;
        if claims.exp <= self.inner.clock.now().as_second() {
            return Err(Refusal::BadCredentials);
        }
        let account = self.inner.account(&claims.sub).await?;
        let valid = |account: &Arc<Account>| account.user.enabled && account.user.id.0 == claims.uid && account.token_epoch == claims.epoch;
        account.filter(valid).ok_or(Refusal::BadCredentials)
    }

    async fn give(&self, tx: &mut Tx, account: &Account) -> Result<Tokens, Refusal> {
        let auth = &self.inner.auth;
        let seconds = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let now = self.inner.clock.now();
        let claims = Claims {
            sub: account.user.login.clone(),
            uid: account.user.id.0,
            epoch: account.token_epoch,
            iat: now.as_second(),
            exp: now.as_second().saturating_add(seconds(auth.access_token_seconds)),
        };
        let refresh_token = keys::random_text(REFRESH_PREFIX);
        let stored = tokens::RefreshToken {
            user: account.user.id,
            epoch: account.token_epoch,
            expires_at_ms: now
                .as_millisecond()
                .saturating_add(seconds(auth.refresh_token_seconds).saturating_mul(1_000)),
        };
        tokens::insert(tx, &keys::digest(&refresh_token), &stored).await?;
        Ok(Tokens {
            access_token: self.inner.signing.sign(&claims)?,
            refresh_token,
            expires_in: auth.access_token_seconds,
        })
    }
}
