//! Users who are deleted, and can be restored for a while.
//!
//! Until they are gone for good nobody else is given their address, they are in no list but that of the deleted, cannot log in, and
//! mail for them is refused as for anybody unknown.

use std::sync::Arc;

use jiff::Timestamp;

use super::users::{end_tokens, keep_one_admin, known, known_also_deleted};
use super::{Directory, fields};
use crate::mail::audit::Shown;
use crate::model::account::User;
use crate::model::audit::{Deed, Resource};
use crate::model::refusal::Refusal;
use crate::model::revision::Revision;
use crate::store::db::users;

/// When those were deleted whose mail is being removed: they are not restored any more.
const CONDEMNED: Timestamp = Timestamp::UNIX_EPOCH;

const HOUR_MS: i64 = 3_600_000;
/// How many are told of at a time.
const AT_ONCE: i64 = 100;

impl Directory {
    /// Whether deleted users can be restored.
    pub fn keeps_deleted(&self) -> bool {
        self.inner.settings.keep_deleted_hours > 0
    }

    /// The user of this login name, deleted or not. Errors: NotFound.
    pub async fn user_also_deleted(&self, login: &str) -> Result<Arc<User>, Refusal> {
        let mut tx = self.inner.database.read().await?;
        Ok(Arc::new(known_also_deleted(&mut tx, login).await?.user))
    }

    /// Deletes a user: from now on they are not there, but can be restored. Errors: NotFound, InUse (the last server administrator),
    /// Changed.
    pub async fn delete_user(&self, login: &str) -> Result<Arc<User>, Refusal> {
        let mut change = self.change().await?;
        let mut stored = known(&mut change.tx, login).await?;
        self.check(Some(stored.user.revision()))?;
        keep_one_admin(&mut change.tx, &stored.user).await?;
        stored.user.updated_at = self.inner.after(stored.user.updated_at);
        stored.user.deleted_at = Some(stored.user.updated_at);
        end_tokens(&mut change, &mut stored).await?;
        users::update(&mut change.tx, &stored).await?;
        change.note(Deed::UserDeleted, Resource::user(&stored.user.login), (stored.user.shown(), None));
        change.commit().await?;
        Ok(Arc::new(stored.user))
    }

    /// Takes a deletion back: the user has everything that they had. Errors: NotFound, InUse (they are not deleted), Changed.
    pub async fn restore_user(&self, login: &str) -> Result<Arc<User>, Refusal> {
        let mut change = self.change().await?;
        let mut stored = known_also_deleted(&mut change.tx, login).await?;
        self.check(Some(stored.user.revision()))?;
        match stored.user.deleted_at.take() {
            Some(at) if at == CONDEMNED => return Err(fields::not_found("user", login)),
            Some(_) => {}
            None => return Err(Refusal::InUse(format!("{login} is not deleted"))),
        }
        stored.user.updated_at = self.inner.after(stored.user.updated_at);
        users::update(&mut change.tx, &stored).await?;
        change.note(Deed::UserRestored, Resource::user(&stored.user.login), (None, stored.user.shown()));
        change.commit().await?;
        Ok(Arc::new(stored.user))
    }

    /// The first step of removing a user for good, deleted or not: they can no longer be restored. Errors: NotFound, InUse (the last server
    /// administrator), Changed.
    pub async fn condemn_user(&self, login: &str) -> Result<Arc<User>, Refusal> {
        let mut change = self.change().await?;
        let mut stored = known_also_deleted(&mut change.tx, login).await?;
        self.check(Some(stored.user.revision()))?;
        keep_one_admin(&mut change.tx, &stored.user).await?;
        if stored.user.deleted_at.is_none() {
            end_tokens(&mut change, &mut stored).await?;
        }
        stored.user.deleted_at = Some(CONDEMNED);
        users::update(&mut change.tx, &stored).await?;
        change.commit().await?;
        Ok(Arc::new(stored.user))
    }

    /// Some of the users whose time to be restored is over: with the state in which they were seen.
    pub async fn deleted_for_good(&self) -> Result<Vec<(String, Revision)>, Refusal> {
        let kept = i64::try_from(self.inner.settings.keep_deleted_hours)
            .unwrap_or(i64::MAX)
            .saturating_mul(HOUR_MS);
        let before = self.inner.clock.now_ms().saturating_sub(kept);
        let mut tx = self.inner.database.read().await?;
        Ok(users::deleted_before(&mut tx, before, AT_ONCE).await?)
    }
}
