//! App passwords: one for each mail client, made here, of which only the SHA-256 is stored.

use std::sync::Arc;

use jiff::Timestamp;

use super::cache::Account;
use super::keys::{LastUse, digest};
use super::users::known;
use super::{Directory, Inner, Visit, fields};
use crate::mail::audit::Shown;
use crate::model::account::User;
use crate::model::audit::{Deed, Resource};
use crate::model::clock::timestamp;
use crate::model::ids::{AppPasswordId, UserId};
use crate::model::login::{AppPassword, LoginOutcome, Protocol};
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::store;
use crate::store::db::app_passwords;

/// No letter or digit that is taken for another.
const READABLE: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// Twenty characters: some 99 bits, too many to need a slow hash.
const LENGTH: usize = 20;
const MAX_NAME: usize = 255;
/// The most of a user.
const MOST: usize = 100;

/// What to make an app password of.
#[derive(Debug, Clone)]
pub struct NewAppPassword {
    /// What it is for, in the user's words.
    pub name: String,
    /// The protocols that it is for.
    pub protocols: Vec<Protocol>,
    /// When it stops working; none: never.
    pub expires_at: Option<Timestamp>,
}

/// One that somebody has, or had a moment ago.
pub(super) struct KnownAppPassword {
    user: UserId,
    about: AppPassword,
    used: LastUse,
}

impl Directory {
    /// Those of a user, oldest first. Errors: NotFound.
    pub async fn app_passwords(&self, login: &str) -> Result<Vec<AppPassword>, Refusal> {
        let mut tx = self.inner.database.read().await?;
        let user = known(&mut tx, login).await?.user.id;
        Ok(app_passwords::list(&mut tx, user).await?)
    }

    /// Makes one; its text is shown this once. Errors: NotFound, Invalid, LimitReached.
    pub async fn create_app_password(&self, login: &str, new: NewAppPassword) -> Result<(AppPassword, Secret), Refusal> {
        fields::text("name", &new.name, MAX_NAME)?;
        let mut protocols = new.protocols;
        protocols.sort_unstable();
        protocols.dedup();
        if protocols.is_empty() || protocols.contains(&Protocol::Api) {
            return Err(Refusal::Invalid {
                field: "protocols",
                problem: format!(
                    "right would be one or more of {}",
                    Protocol::OF_CLIENTS.map(Protocol::as_str).join(", ")
                ),
            });
        }
        let made = AppPassword {
            id: AppPasswordId::fresh(),
            name: new.name,
            protocols,
            created_at: self.inner.now(),
            expires_at: new.expires_at.map(|at| timestamp(at.as_millisecond())),
            last_used_at: None,
        };
        let text = readable();
        let mut change = self.change().await?;
        let user = known(&mut change.tx, login).await?.user;
        has_mailbox(&user)?;
        if app_passwords::list(&mut change.tx, user.id).await?.len() >= MOST {
            return Err(Refusal::LimitReached(format!("{} has {MOST} app passwords already", user.login)));
        }
        app_passwords::insert(&mut change.tx, user.id, &made, &digest(&plain(&text))).await?;
        change.note(Deed::AppPasswordCreated, resource(&user, made.id), (None, made.shown()));
        change.commit().await?;
        Ok((made, Secret::new(text)))
    }

    /// Removes one: it stops working at once, while sessions that began with it go on. Errors: NotFound.
    pub async fn remove_app_password(&self, login: &str, id: AppPasswordId) -> Result<(), Refusal> {
        let mut change = self.change().await?;
        let user = known(&mut change.tx, login).await?.user;
        let before = app_passwords::list(&mut change.tx, user.id).await?;
        if !app_passwords::delete(&mut change.tx, user.id, id).await? {
            return Err(fields::not_found("app password", id));
        }
        let before = before.iter().find(|it| it.id == id).and_then(Shown::shown);
        change.note(Deed::AppPasswordRemoved, resource(&user, id), (before, None));
        change.commit().await?;
        Ok(())
    }
}

fn resource(user: &User, id: AppPasswordId) -> Resource {
    Resource::user(&user.login).part("app-passwords", id)
}

fn has_mailbox(user: &User) -> Result<(), Refusal> {
    match user.address {
        Some(_) => Ok(()),
        None => Err(Refusal::NotPermitted(
            "an administrator without a mailbox has no use for an app password".into(),
        )),
    }
}

impl Inner {
    /// What becomes of a password that is an app password of this account; none if it is none.
    pub(super) async fn by_app_password(
        &self,
        account: Option<&Account>,
        password: &Secret,
        visit: Visit,
    ) -> Result<Option<LoginOutcome>, Refusal> {
        let plain = plain(password.expose());
        if plain.len() != LENGTH || !plain.bytes().all(|octet| READABLE.contains(&octet)) {
            return Ok(None);
        }
        let Some(known) = self.known_app_password(&digest(&plain)).await? else {
            return Ok(None);
        };
        if account.is_none_or(|account| account.user.id != known.user) {
            return Ok(None);
        }
        let now = self.clock.now();
        if known.about.expires_at.is_some_and(|end| end <= now) {
            return Ok(Some(LoginOutcome::Expired));
        }
        if !known.about.protocols.contains(&visit.protocol) {
            return Ok(Some(LoginOutcome::WrongProtocol));
        }
        self.note_app_password(&known, now).await;
        Ok(Some(LoginOutcome::Success))
    }

    async fn known_app_password(&self, digest: &str) -> Result<Option<Arc<KnownAppPassword>>, store::Error> {
        let generation = self.caches.generation();
        if let Some(known) = self.caches.app_passwords.find(generation, digest) {
            return Ok(known);
        }
        let found = app_passwords::find(&mut self.database.read().await?, digest).await?;
        let known = found.map(|(user, about)| {
            let used = LastUse::new(about.last_used_at);
            Arc::new(KnownAppPassword { user, about, used })
        });
        self.caches.app_passwords.keep(generation, digest, known.clone());
        Ok(known)
    }

    /// Writes down the minute, once. It works even when that fails.
    async fn note_app_password(&self, known: &KnownAppPassword, now: Timestamp) {
        let Some(minute) = known.used.minute_to_note(now) else { return };
        let noted = async {
            let mut tx = self.database.write().await?;
            app_passwords::touch(&mut tx, known.about.id, minute).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the use of an app password was not noted");
        }
    }
}

/// As it counts: people type it with or without what parts its groups.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| *c != '-' && *c != ' ').take(LENGTH + 1).collect()
}

/// Twenty characters in four groups.
pub(super) fn readable() -> String {
    use rand::RngExt;
    let mut rng = rand::rng();
    let mut text = String::with_capacity(LENGTH + 3);
    for at in 0..LENGTH {
        if at > 0 && at % 5 == 0 {
            text.push('-');
        }
        let pick = rng.random_range(0..READABLE.len());
        text.extend(READABLE.get(pick).copied().map(char::from));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_passwords_are_told_by_their_form() {
        let text = readable();
        assert_eq!((text.len(), plain(&text).len()), (LENGTH + 3, LENGTH));
        assert_eq!(plain(&text), plain(&text.replace('-', " ")));
        assert_ne!(readable(), text);
    }
}
