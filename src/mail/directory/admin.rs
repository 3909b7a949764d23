//! The first administrator.

use super::hashing::{Hashed, Verdict};
use super::{Directory, NewPassword, app_passwords, users};
use crate::mail::audit::Shown;
use crate::model::account::{Role, User};
use crate::model::audit::{Deed, Resource};
use crate::model::ids::UserId;
use crate::model::labels::Labels;
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::store::db::users::{StoredUser, count_admins, find, find_also_deleted, insert, update};

const LOGIN: &str = "admin";

impl Directory {
    /// Makes the administrator if there is no server administrator yet; gives the password that was made up, if one was.
    /// With `password` (from the environment), `admin` has this password afterwards. Errors: Invalid, TryLater.
    pub async fn ensure_admin(&self, password: Option<Secret>) -> Result<Option<Secret>, Refusal> {
        let Some(password) = password else {
            if count_admins(&mut self.inner.database.read().await?).await? > 0 {
                return Ok(None);
            }
            let made_up = Secret::new(app_passwords::readable());
            let hash = self.inner.hashing.hash(&made_up).await?;
            // Another node may have been quicker: then its password is the one.
            return Ok(self.put_admin(hash, true).await?.then_some(made_up));
        };
        let known = find(&mut self.inner.database.read().await?, LOGIN).await?;
        if let Some(stored) = known.filter(|stored| stored.user.enabled && stored.user.role == Role::ServerAdmin) {
            // A restart with the same environment ends nobody's tokens.
            let verdict = self.inner.hashing.check(stored.password.as_deref(), &password, None).await?;
            if verdict != Verdict::Wrong {
                return Ok(None);
            }
        }
        let hash = self.hashed(NewPassword::Clear(password)).await?;
        self.put_admin(hash, false).await?;
        Ok(None)
    }

    /// Makes `admin` an enabled server administrator with this password; whether it was done.
    async fn put_admin(&self, hashed: Hashed, only_the_first: bool) -> Result<bool, Refusal> {
        let now = self.inner.now();
        let mut change = self.change().await?;
        if only_the_first && count_admins(&mut change.tx).await? > 0 {
            return Ok(false);
        }
        match find_also_deleted(&mut change.tx, LOGIN).await? {
            Some(mut stored) => {
                stored.user.deleted_at = None;
                stored.user.role = Role::ServerAdmin;
                stored.user.enabled = true;
                stored.user.updated_at = self.inner.after(stored.user.updated_at);
                stored.password = Some(hashed.hash);
                stored.scram = hashed.scram;
                users::end_tokens(&mut change, &mut stored).await?;
                update(&mut change.tx, &stored).await?;
                change.note(Deed::UserPasswordSet, Resource::user(LOGIN), (None, None));
            }
            None => {
                let stored = StoredUser {
                    user: User {
                        id: UserId::fresh(),
                        login: LOGIN.into(),
                        address: None,
                        display_name: "Administrator".into(),
                        role: Role::ServerAdmin,
                        enabled: true,
                        quota_bytes: None,
                        quota_messages: None,
                        retention: Default::default(),
                        filter: None,
                        labels: Labels::default(),
                        deleted_at: None,
                        created_at: now,
                        updated_at: now,
                    },
                    password: Some(hashed.hash),
                    scram: hashed.scram,
                    totp: false,
                    token_epoch: 0,
                };
                insert(&mut change.tx, &stored, None).await?;
                change.note(Deed::UserCreated, Resource::user(LOGIN), (None, stored.user.shown()));
            }
        }
        change.commit().await?;
        Ok(true)
    }
}
