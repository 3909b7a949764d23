//! Users.

use std::sync::Arc;
use std::time::Duration;

use super::authenticate::MAX_PASSWORD_OCTETS;
use super::change::Change;
use super::hashing::Hashed;
use super::{Directory, NewPassword, NewUser, Page, Picked, Placed, UserChange, domains, fields, password};
use crate::mail::audit::Shown;
use crate::model::account::{Retention, Role, User};
use crate::model::address::EmailAddress;
use crate::model::audit::{Deed, Resource};
use crate::model::ids::UserId;
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::store::db::users::{self, StoredUser};
use crate::store::db::{Tx, acls, logins, tokens, traces};

const MAX_DISPLAY_NAME: usize = 255;
const MAX_HASH_OCTETS: usize = 512;
/// How long mail may be said to be kept in Junk and Trash.
const MAX_DAYS: u64 = 36_500;
/// How often it is tried to empty the log of the database after a removal, and how long to wait between.
const EMPTYINGS: usize = 20;
const BETWEEN_EMPTYINGS: Duration = Duration::from_millis(100);

impl Directory {
    /// A page of the users who are picked, by login.
    pub async fn users(&self, picked: &Picked, after: Option<&str>, limit: usize) -> Result<Page<User>, Refusal> {
        let limit = fields::page_size(limit);
        let mut tx = self.inner.database.read().await?;
        let pick = domains::pick(&mut tx, picked).await?;
        let found = users::page(&mut tx, &pick, after.unwrap_or_default(), fields::and_one(limit)).await?;
        Ok(fields::page(found, limit, |it| it.login.clone()))
    }

    /// The user of this login name, in any case. Errors: NotFound.
    pub async fn user(&self, login: &str) -> Result<Arc<User>, Refusal> {
        let key = key(login)?;
        let account = self.inner.account(&key).await?;
        // By an address in a domain that is another name of theirs they can log in, but have one name here.
        let found = account.filter(|account| account.user.login == key);
        found
            .map(|account| Arc::clone(&account.user))
            .ok_or_else(|| fields::not_found("user", login))
    }

    /// Only the directory's part; the mailboxes are made by `mail::accounts`. Errors: Exists, NotFound (the domain), Invalid.
    pub async fn create_user(&self, new: NewUser) -> Result<Arc<User>, Refusal> {
        let stored = self.prepared(new).await?;
        let mut change = self.change().await?;
        if find(&mut change.tx, &stored.user.login).await?.is_some() {
            return Err(fields::is_there("user", &stored.user.login));
        }
        add(&mut change, &stored).await?;
        change.commit().await?;
        Ok(Arc::new(stored.user))
    }

    /// Makes a user, or sets every field of the one who is there; without a new password theirs stays. `may` says whether that one may be
    /// replaced. Errors: those of `may`, NotFound (the domain), Invalid, InUse (the last server administrator), Changed.
    pub async fn put_user(&self, new: NewUser, may: impl Fn(&User) -> Result<(), Refusal> + Send) -> Result<Placed<Arc<User>>, Refusal> {
        let stored = self.prepared(new).await?;
        let mut change = self.change().await?;
        let placed = self.place_user(&mut change, stored, may).await?;
        change.commit().await?;
        Ok(placed)
    }

    /// The same within a change. An error has changed nothing.
    pub(super) async fn place_user(
        &self,
        change: &mut Change<'_>,
        new: StoredUser,
        may: impl Fn(&User) -> Result<(), Refusal>,
    ) -> Result<Placed<Arc<User>>, Refusal> {
        let there = find(&mut change.tx, &new.user.login).await?;
        self.check(there.as_ref().map(|stored| stored.user.revision()))?;
        let Some(there) = there else {
            add(change, &new).await?;
            let now = Arc::new(new.user);
            return Ok(Placed { now, is_new: true });
        };
        may(&there.user)?;
        let was = there.user.clone();
        let mut stored = StoredUser {
            user: User {
                id: was.id,
                address: was.address.clone(),
                filter: was.filter,
                created_at: was.created_at,
                updated_at: self.inner.after(was.updated_at),
                ..new.user
            },
            ..there
        };
        let has_new_password = new.password.is_some();
        if has_new_password {
            (stored.password, stored.scram) = (new.password, new.scram);
        }
        self.store(change, &was, stored, has_new_password).await
    }

    /// Changes a user. Errors: NotFound, Invalid, InUse (the last server administrator), Changed.
    pub async fn change_user(&self, login: &str, wanted: UserChange) -> Result<Arc<User>, Refusal> {
        fields::text("display_name", wanted.display_name.as_deref().unwrap_or_default(), MAX_DISPLAY_NAME)?;
        let mut change = self.change().await?;
        let mut stored = known(&mut change.tx, login).await?;
        self.check(Some(stored.user.revision()))?;
        let was = stored.user.clone();
        let user = &mut stored.user;
        user.display_name = wanted.display_name.unwrap_or_else(|| std::mem::take(&mut user.display_name));
        user.role = wanted.role.unwrap_or(user.role);
        user.enabled = wanted.enabled.unwrap_or(user.enabled);
        user.quota_bytes = wanted.quota_bytes.unwrap_or(user.quota_bytes);
        user.quota_messages = wanted.quota_messages.unwrap_or(user.quota_messages);
        user.retention = Retention {
            junk_days: wanted.junk_days.unwrap_or(user.retention.junk_days),
            trash_days: wanted.trash_days.unwrap_or(user.retention.trash_days),
        };
        check_retention(user.retention)?;
        user.labels = std::mem::take(&mut user.labels).changed(wanted.labels)?;
        user.updated_at = self.inner.after(user.updated_at);
        check_role(user.role, user.address.as_ref())?;
        let placed = self.store(&mut change, &was, stored, false).await?;
        change.commit().await?;
        Ok(placed.now)
    }

    /// Stores what a user became, ends their tokens where that is due, and keeps one administrator.
    async fn store(
        &self,
        change: &mut Change<'_>,
        was: &User,
        mut stored: StoredUser,
        has_new_password: bool,
    ) -> Result<Placed<Arc<User>>, Refusal> {
        if !is_admin(&stored.user) {
            keep_one_admin(&mut change.tx, was).await?;
        }
        if has_new_password || was.enabled && !stored.user.enabled {
            end_tokens(change, &mut stored).await?;
        }
        users::update(&mut change.tx, &stored).await?;
        let resource = Resource::user(&was.login);
        change.note(Deed::UserChanged, resource.clone(), (was.shown(), stored.user.shown()));
        if has_new_password {
            change.note(Deed::UserPasswordSet, resource, (None, None));
        }
        let now = Arc::new(stored.user);
        Ok(Placed { now, is_new: false })
    }

    /// Sets a password and ends the user's tokens. Errors: NotFound, Invalid, Changed.
    pub async fn set_password(&self, login: &str, password: NewPassword) -> Result<(), Refusal> {
        let hashed = self.hashed(password).await?;
        let mut change = self.change().await?;
        let mut stored = known(&mut change.tx, login).await?;
        self.check(Some(stored.user.revision()))?;
        stored.password = Some(hashed.hash);
        stored.scram = hashed.scram;
        stored.user.updated_at = self.inner.after(stored.user.updated_at);
        end_tokens(&mut change, &mut stored).await?;
        users::update(&mut change.tx, &stored).await?;
        change.note(Deed::UserPasswordSet, Resource::user(&stored.user.login), (None, None));
        change.commit().await?;
        Ok(())
    }

    /// Removes a user, deleted or not, from the directory for good, with their logins and the stories of their messages; aliases that lead to them stay, and so does what they have in the queue. Errors: NotFound, InUse (the last server administrator),
    /// Changed.
    pub async fn remove_user(&self, login: &str) -> Result<Arc<User>, Refusal> {
        let mut change = self.change().await?;
        let stored = known_also_deleted(&mut change.tx, login).await?;
        self.check(Some(stored.user.revision()))?;
        keep_one_admin(&mut change.tx, &stored.user).await?;
        users::delete(&mut change.tx, stored.user.id).await?;
        // Rights that somebody gave them while their mailboxes were removed must not wait for the next user of this name.
        acls::forget_login(&mut change.tx, &stored.user.login).await?;
        // What they and others did with this address is told no more.
        logins::forget_login(&mut change.tx, &stored.user.login).await?;
        traces::forget_word(&mut change.tx, &stored.user.login).await?;
        change.ended.push(stored.user.id);
        change.note(Deed::UserPurged, Resource::user(&stored.user.login), (stored.user.shown(), None));
        change.commit().await?;
        self.leave_no_trace().await;
        Ok(Arc::new(stored.user))
    }

    /// What was deleted is not to be read in the log of the database either. Where somebody reads all the time, such as a backup, it is
    /// written over later, when the log begins anew.
    async fn leave_no_trace(&self) {
        for _ in 0..EMPTYINGS {
            match self.inner.database.empty_log().await {
                Ok(true) => return,
                Ok(false) => tokio::time::sleep(BETWEEN_EMPTYINGS).await,
                Err(error) => return tracing::warn!(%error, "the log of the database cannot be emptied after a removal"),
            }
        }
        tracing::info!("the log of the database is in use, and emptied later");
    }

    /// What is stored of a user who is to be added: values checked, the password hashed.
    pub(super) async fn prepared(&self, new: NewUser) -> Result<StoredUser, Refusal> {
        let address = if new.login.contains('@') {
            Some(address(&new.login)?)
        } else {
            None
        };
        let login = fields::login_key(&new.login).ok_or_else(|| Refusal::Invalid {
            field: "login",
            problem: "must be an address, or a name of letters, digits, '.', '_' and '-'".into(),
        })?;
        fields::text("display_name", &new.display_name, MAX_DISPLAY_NAME)?;
        new.labels.check()?;
        check_retention(new.retention)?;
        check_role(new.role, address.as_ref())?;
        let password = match new.password {
            Some(password) => Some(self.hashed(password).await?),
            None => None,
        };
        let (password, scram) = password.map(|it| (it.hash, it.scram)).unzip();
        let now = self.inner.now();
        let user = User {
            id: UserId::fresh(),
            login,
            address,
            display_name: new.display_name,
            role: new.role,
            enabled: new.enabled,
            quota_bytes: new.quota_bytes,
            quota_messages: new.quota_messages,
            retention: new.retention,
            filter: None,
            labels: new.labels,
            deleted_at: None,
            created_at: now,
            updated_at: now,
        };
        Ok(StoredUser {
            user,
            password,
            scram: scram.flatten(),
            totp: false,
            token_epoch: 0,
        })
    }

    /// What is stored for a new password.
    pub(super) async fn hashed(&self, new: NewPassword) -> Result<Hashed, Refusal> {
        let invalid = |problem: String| {
            Err(Refusal::Invalid {
                field: "password",
                problem,
            })
        };
        match new {
            NewPassword::Clear(clear) => {
                let least = self.inner.auth.min_password_length;
                if clear.expose().chars().count() < least {
                    return invalid(format!("shorter than {least} characters"));
                }
                if clear.expose().len() > MAX_PASSWORD_OCTETS {
                    return invalid(format!("longer than {MAX_PASSWORD_OCTETS} octets"));
                }
                self.inner.hashing.hash(&clear).await
            }
            NewPassword::Hash(hash) => {
                if !knows_hash(&hash) {
                    return invalid("not a hash of a scheme that is known here, such as {ARGON2ID}, {BLF-CRYPT} or {SHA512-CRYPT}".into());
                }
                Ok(Hashed {
                    hash: hash.expose().to_owned(),
                    scram: None,
                })
            }
        }
    }
}

/// Whether a password can be checked by this hash, in a scheme that is known here.
pub fn knows_hash(hash: &Secret) -> bool {
    let text = hash.expose();
    text.len() <= MAX_HASH_OCTETS && password::Hash::parse(text).is_some()
}

fn key(login: &str) -> Result<String, Refusal> {
    fields::login_key(login).ok_or_else(|| fields::not_found("user", login))
}

fn address(text: &str) -> Result<EmailAddress, Refusal> {
    let invalid = |problem: String| Refusal::Invalid { field: "login", problem };
    let address = EmailAddress::parse(text).map_err(|error| invalid(error.to_string()))?;
    match address.domain() {
        Some(_) => Ok(address),
        None => Err(invalid("a user's address has a domain, not an address in brackets".into())),
    }
}

/// The user, if there is one; somebody who was deleted still has the name until they are gone for good. Errors: InUse.
async fn find(tx: &mut Tx, login: &str) -> Result<Option<StoredUser>, Refusal> {
    let found = users::find_also_deleted(tx, login).await?;
    match found.as_ref().and_then(|stored| stored.user.deleted_at) {
        Some(at) => Err(Refusal::InUse(format!(
            "{login} was deleted at {at} and can be restored; restore the user, or purge them first"
        ))),
        None => Ok(found),
    }
}

async fn add(change: &mut Change<'_>, stored: &StoredUser) -> Result<(), Refusal> {
    let domain = match stored.user.address.as_ref().and_then(EmailAddress::domain) {
        Some(domain) => Some(domains::known(&mut change.tx, domain).await?.id),
        None => None,
    };
    users::insert(&mut change.tx, stored, domain).await?;
    change.note(Deed::UserCreated, Resource::user(&stored.user.login), (None, stored.user.shown()));
    Ok(())
}

/// The user with what is stored, or that there is none.
pub(super) async fn known(tx: &mut Tx, login: &str) -> Result<StoredUser, Refusal> {
    let found = users::find(tx, &key(login)?).await?;
    found.ok_or_else(|| fields::not_found("user", login))
}

/// The server's own rules know no longer times either.
fn check_retention(retention: Retention) -> Result<(), Refusal> {
    for (field, days) in [("junk_days", retention.junk_days), ("trash_days", retention.trash_days)] {
        if days.is_some_and(|days| days > MAX_DAYS) {
            let problem = format!("more than {MAX_DAYS} days");
            return Err(Refusal::Invalid { field, problem });
        }
    }
    Ok(())
}

/// Only a server administrator needs no mailbox.
fn check_role(role: Role, address: Option<&EmailAddress>) -> Result<(), Refusal> {
    if address.is_some() || role == Role::ServerAdmin {
        return Ok(());
    }
    Err(Refusal::Invalid {
        field: "role",
        problem: "only a server administrator can be without a mail address".into(),
    })
}

/// Every token that was given so far is void from now on, and every session over.
pub(super) async fn end_tokens(change: &mut Change<'_>, stored: &mut StoredUser) -> Result<(), Refusal> {
    stored.token_epoch = stored.token_epoch.saturating_add(1);
    change.ended.push(stored.user.id);
    tokens::delete_of(&mut change.tx, stored.user.id).await?;
    Ok(())
}

fn is_admin(user: &User) -> bool {
    user.enabled && user.deleted_at.is_none() && user.role == Role::ServerAdmin
}

/// The same, also of somebody who was deleted and can be restored.
pub(super) async fn known_also_deleted(tx: &mut Tx, login: &str) -> Result<StoredUser, Refusal> {
    let found = users::find_also_deleted(tx, &key(login)?).await?;
    found.ok_or_else(|| fields::not_found("user", login))
}

/// Refuses to let the last enabled server administrator go. Errors: InUse.
pub(super) async fn keep_one_admin(tx: &mut Tx, leaving: &User) -> Result<(), Refusal> {
    if is_admin(leaving) && users::count_admins(tx).await? <= 1 {
        return Err(last_admin());
    }
    Ok(())
}

/// There is always an enabled server administrator.
fn last_admin() -> Refusal {
    Refusal::InUse("this is the last server administrator; make another one first".into())
}
