//! Access tokens (JWT, HS256) and refresh tokens: the sessions of the API.
//!
//! An access token is short-lived, and names the user's token epoch and its session: a new password or being disabled ends all tokens at
//! once, and the end of a session those of this one. A session goes on as long as its refresh token is used in time.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::authenticate::Proved;
use super::cache::Account;
use super::users::{end_tokens, known};
use super::{Directory, Inner, Login, Principal, Tokens, Visit, fields, keys};
use crate::model::audit::{Deed, Resource};
use crate::model::clock::timestamp;
use crate::model::ids::SessionId;
use crate::model::login::{LoginOutcome, Protocol};
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::store;
use crate::store::db::{Tx, tokens, users};

const REFRESH_PREFIX: &str = "phr_";
/// How far ahead of this node's clock that of another may be.
const MOST_AHEAD_SECONDS: i64 = 300;
/// Longer than any token of ours: nothing longer is looked at.
const MAX_TOKEN_OCTETS: usize = 4_096;

/// RFC 7519 §4.1, and what ours add.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    /// The login name.
    sub: String,
    /// The user's id: somebody else may have the name later.
    uid: i64,
    /// The user's token epoch.
    epoch: i64,
    /// The session.
    sid: i64,
    /// Seconds since 1970.
    iat: i64,
    /// Seconds since 1970.
    exp: i64,
}

/// A session of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSession {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub since: Timestamp,
    /// When its refresh token was last used.
    pub last_used_at: Timestamp,
    /// When it ends, unless its refresh token is used before.
    pub ends_at: Timestamp,
    /// From where it was last used.
    pub peer: Option<IpAddr>,
}

impl From<tokens::RefreshToken> for ApiSession {
    fn from(token: tokens::RefreshToken) -> Self {
        Self {
            id: token.session,
            since: timestamp(token.begun_ms),
            last_used_at: timestamp(token.used_ms),
            ends_at: timestamp(token.expires_ms),
            peer: token.peer.and_then(|text| text.parse().ok()),
        }
    }
}

/// To whom tokens are given.
struct Holder<'h> {
    account: &'h Account,
    session: SessionId,
    begun_ms: i64,
    from: Option<IpAddr>,
}

impl Directory {
    /// A login over the API: tokens for what `authenticate` finds, and for the code of the second factor where one is on. Errors:
    /// BadCredentials, CodeNeeded, TryLater.
    pub async fn login(&self, login: &str, password: &Secret, code: Option<&str>, from: Option<IpAddr>) -> Result<Tokens, Refusal> {
        let visit = Visit {
            protocol: Protocol::Api,
            from,
        };
        let Proved { account, attempt } = self.prove(login, password, visit).await?;
        if account.totp {
            self.check_code(&account, attempt, code, visit).await?;
        }
        let mut tx = self.inner.database.write().await?;
        tokens::delete_expired(&mut tx, self.inner.clock.now_ms()).await?;
        // The password may have been upgraded or changed while it was checked: the epoch of this moment counts.
        let current = users::find_id(&mut tx, account.user.id).await?.map(Account::from);
        let current = current.filter(|it| it.user.enabled && it.token_epoch == account.token_epoch);
        let holder = Holder {
            account: &current.ok_or(Refusal::BadCredentials)?,
            session: SessionId::fresh(),
            begun_ms: self.inner.clock.now_ms(),
            from,
        };
        let given = self.inner.give(&mut tx, holder).await?;
        tx.commit().await?;
        self.inner.note(&account.user.login, visit, LoginOutcome::Success);
        Ok(given)
    }

    /// New tokens for a refresh token, which is spent by this. Errors: BadCredentials, TryLater.
    pub async fn refresh(&self, refresh_token: &str, from: Option<IpAddr>) -> Result<Tokens, Refusal> {
        let mut tx = self.inner.database.write().await?;
        let spent = take(&mut tx, refresh_token).await?;
        let spent = spent.filter(|it| it.expires_ms > self.inner.clock.now_ms());
        let spent = spent.ok_or(Refusal::BadCredentials)?;
        let account = users::find_id(&mut tx, spent.user).await?.map(Account::from);
        let account = account.filter(|it| it.user.enabled && it.token_epoch == spent.epoch);
        let holder = Holder {
            account: &account.ok_or(Refusal::BadCredentials)?,
            // One from before there were sessions begins one.
            session: if spent.session.0 == 0 { SessionId::fresh() } else { spent.session },
            begun_ms: spent.begun_ms,
            from,
        };
        let given = self.inner.give(&mut tx, holder).await?;
        tx.commit().await?;
        Ok(given)
    }

    /// Ends the session of a refresh token, with its access tokens. One that is not known has ended already.
    pub async fn logout(&self, refresh_token: &str) -> Result<(), Refusal> {
        let mut change = self.change().await?;
        if take(&mut change.tx, refresh_token).await?.is_some() {
            change.commit().await?;
        }
        Ok(())
    }

    /// The sessions of a user over the API, oldest first. Errors: NotFound.
    pub async fn api_sessions(&self, login: &str) -> Result<Vec<ApiSession>, Refusal> {
        let mut tx = self.inner.database.read().await?;
        let user = known(&mut tx, login).await?.user.id;
        let found = tokens::list(&mut tx, user, self.inner.clock.now_ms()).await?;
        Ok(found.into_iter().map(ApiSession::from).collect())
    }

    /// Ends a session of a user over the API. Errors: NotFound.
    pub async fn end_api_session(&self, login: &str, session: SessionId) -> Result<(), Refusal> {
        let mut change = self.change().await?;
        let user = known(&mut change.tx, login).await?.user;
        if !tokens::delete_session(&mut change.tx, user.id, session).await? {
            return Err(fields::not_found("session", session));
        }
        let resource = Resource::user(&user.login).part("sessions", session);
        change.note(Deed::SessionEnded, resource, (None, None));
        change.commit().await?;
        Ok(())
    }

    /// Ends all sessions of a user, of all protocols and on all nodes. Errors: NotFound.
    pub async fn end_sessions(&self, login: &str) -> Result<(), Refusal> {
        let mut change = self.change().await?;
        let mut stored = known(&mut change.tx, login).await?;
        end_tokens(&mut change, &mut stored).await?;
        users::update(&mut change.tx, &stored).await?;
        change.note(Deed::UserSessionsEnded, Resource::user(&stored.user.login), (None, None));
        change.commit().await?;
        Ok(())
    }

    /// Who a bearer token (JWT or `phk_…` key) stands for. Errors: BadCredentials, TryLater.
    pub async fn bearer(&self, token: &str) -> Result<Principal, Refusal> {
        if token.len() > MAX_TOKEN_OCTETS {
            return Err(Refusal::BadCredentials);
        }
        if token.starts_with(keys::PREFIX) {
            return self.key(token).await.map(Principal::Key);
        }
        let account = self.inner.account_with(token).await?;
        Ok(Principal::User(Arc::clone(&account.user)))
    }

    /// A login by an access token, instead of a password. Errors: BadCredentials, TryLater.
    pub async fn token_login(&self, token: &Secret, visit: Visit) -> Result<Login, Refusal> {
        match self.inner.account_with(token.expose()).await {
            Ok(account) => {
                self.inner.note(&account.user.login, visit, LoginOutcome::Success);
                Ok(Login::from(&*account))
            }
            Err(refusal) => {
                if refusal == Refusal::BadCredentials {
                    self.inner.note("", visit, LoginOutcome::BadToken);
                }
                Err(refusal)
            }
        }
    }
}

impl Inner {
    async fn account_with(&self, token: &str) -> Result<Arc<Account>, Refusal> {
        if token.len() > MAX_TOKEN_OCTETS {
            return Err(Refusal::BadCredentials);
        }
        let keys = self.token_keys().await?;
        let claims: Claims = keys.read(token, self.clock.now_ms()).ok_or(Refusal::BadCredentials)?;
        let now = self.clock.now().as_second();
        // What a clock that was ahead has given would live for as long as it was.
        let is_of_its_time = claims.iat <= now.saturating_add(MOST_AHEAD_SECONDS) && now < claims.exp;
        if !is_of_its_time || !self.session_lives(SessionId(claims.sid)).await? {
            return Err(Refusal::BadCredentials);
        }
        let account = self.account(&claims.sub).await?;
        let valid = |account: &Arc<Account>| account.user.enabled && account.user.id.0 == claims.uid && account.token_epoch == claims.epoch;
        account.filter(valid).ok_or(Refusal::BadCredentials)
    }

    async fn session_lives(&self, session: SessionId) -> Result<bool, store::Error> {
        let key = session.to_string();
        let generation = self.caches.generation();
        if self.caches.sessions.find(generation, &key).is_some() {
            return Ok(true);
        }
        let lives = tokens::lives(&mut self.database.read().await?, session).await?;
        if lives {
            self.caches.sessions.keep(generation, &key, ());
        }
        Ok(lives)
    }

    async fn give(&self, tx: &mut Tx, holder: Holder<'_>) -> Result<Tokens, Refusal> {
        let auth = &self.auth;
        let seconds = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let now = self.clock.now();
        let account = holder.account;
        let claims = Claims {
            sub: account.user.login.clone(),
            uid: account.user.id.0,
            epoch: account.token_epoch,
            sid: holder.session.0,
            iat: now.as_second(),
            exp: now.as_second().saturating_add(seconds(auth.access_token_seconds)),
        };
        let refresh_token = keys::random_text(REFRESH_PREFIX);
        let lives_ms = seconds(auth.refresh_token_seconds).saturating_mul(1_000);
        let stored = tokens::RefreshToken {
            user: account.user.id,
            epoch: account.token_epoch,
            expires_ms: now.as_millisecond().saturating_add(lives_ms),
            session: holder.session,
            begun_ms: holder.begun_ms,
            used_ms: now.as_millisecond(),
            peer: holder.from.map(|ip| ip.to_string()),
        };
        tokens::insert(tx, &keys::digest(&refresh_token), &stored).await?;
        Ok(Tokens {
            access_token: self.token_keys().await?.sign(&claims)?,
            refresh_token,
            expires_in: auth.access_token_seconds,
        })
    }
}

/// Takes a refresh token out, if it is one.
async fn take(tx: &mut Tx, text: &str) -> Result<Option<tokens::RefreshToken>, Refusal> {
    if text.len() > MAX_TOKEN_OCTETS || !text.starts_with(REFRESH_PREFIX) {
        return Ok(None);
    }
    Ok(tokens::take(tx, &keys::digest(text)).await?)
}
