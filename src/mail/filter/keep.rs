//! The scripts of users: listed, stored, made active, removed; and the form for an absence, which is kept as one.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Filters, Inner, NotKept, absence};
use crate::mail::directory::{Change, Placed};
use crate::mail::mailbox::blocking;
use crate::model::account::User;
use crate::model::audit::{Deed, Resource};
use crate::model::clock::timestamp;
use crate::model::filter::{Script, Vacation};
use crate::model::ids::{FilterId, UserId};
use crate::model::refusal::Refusal;
use crate::model::revision::{Expectation, Revision};
use crate::store::db::{filters as rows, users};
use crate::wire::sieve::{Problem, is_script_name};

/// The name of the form for an absence, which no script of a user can have.
pub(super) const ABSENCE: &str = ".vacation";
/// The longest text of the form, in octets, and its most addresses.
const MOST_TEXT: usize = 65_536;
const MOST_ADDRESSES: usize = 100;
/// The most days between two replies (RFC 5230 §4.1).
const MOST_DAYS: u32 = 365;

/// Why there is no room for a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// It is larger than so many octets.
    #[error("a script may have {0} octets at most")]
    TooLarge(usize),
    /// The user has so many already.
    #[error("a user may have {0} scripts at most")]
    TooMany(usize),
}

/// A script as it is now, and whether it was there before.
type Stored = Placed<(Script, Revision)>;

impl Filters {
    /// The scripts of a user, by name. Errors: NotFound (the user).
    pub async fn scripts(&self, login: &str) -> Result<Vec<Script>, Refusal> {
        let user = self.inner.owner(login).await?;
        let mut scripts = rows::list(&mut self.inner.ground.database.read_alone().await?, user.id).await?;
        scripts.retain(|script| script.name != ABSENCE);
        Ok(scripts)
    }

    /// A script with its text and revision. Errors: NotFound.
    pub async fn script(&self, login: &str, name: &str) -> Result<(Script, Vec<u8>, Revision), Refusal> {
        let user = self.inner.owner(login).await?;
        let found = match is_script_name(name) {
            true => rows::find(&mut self.inner.ground.database.read_alone().await?, user.id, name).await?,
            false => None,
        };
        let (script, text) = found.ok_or_else(|| no_script(name))?;
        let revision = script.revision(user.id);
        Ok((script, text, revision))
    }

    /// Stores a script under a name, in the place of the one that has it. What is wrong is not stored. Errors: NotFound (the user),
    /// Invalid, Changed.
    pub async fn put_script(&self, login: &str, name: &str, text: Vec<u8>, expected: &Expectation) -> Result<Stored, NotKept> {
        check_name("name", name)?;
        // Before it is compiled; what holds is asked again where it is stored.
        self.room_for(login, name, text.len()).await?.map_err(NotKept::NoRoom)?;
        let problems = self.check_script(login, name, &text).await?;
        if !problems.is_empty() {
            return Err(NotKept::Wrong(problems));
        }
        self.store(login, name, &text, expected).await?.map_err(NotKept::NoRoom)
    }

    /// The mistakes of a text, as a script of this user. Errors: NotFound (the user), LimitReached.
    pub async fn check_script(&self, login: &str, name: &str, text: &[u8]) -> Result<Vec<Problem>, Refusal> {
        let user = self.inner.owner(login).await?;
        let most = self.inner.ground.settings.max_script_bytes;
        if text.len() > most {
            return Err(Refusal::LimitReached(NoRoom::TooLarge(most).to_string()));
        }
        let scripts = rows::list_with_content(&mut self.inner.ground.database.read_alone().await?, user.id).await?;
        let mut personal: HashMap<String, Vec<u8>> = scripts.into_iter().map(|(script, text)| (script.name, text)).collect();
        personal.insert(name.to_owned(), text.to_vec());
        let (inner, name, text) = (Arc::clone(&self.inner), name.to_owned(), text.to_vec());
        let _turn = self.inner.running.acquire().await;
        Ok(blocking(move || Ok(inner.problems(&name, &text, personal))).await?)
    }

    /// Whether a script of so many octets can be stored under this name (RFC 5804 §2.5). Errors: NotFound (the user).
    pub async fn room_for(&self, login: &str, name: &str, size: usize) -> Result<Result<(), NoRoom>, Refusal> {
        let most = self.inner.ground.settings.max_script_bytes;
        if size > most {
            return Ok(Err(NoRoom::TooLarge(most)));
        }
        Ok(self.inner.room_among(&self.scripts(login).await?, name))
    }

    /// Makes this script the active one, or none. Errors: NotFound.
    pub async fn activate_script(&self, login: &str, name: Option<&str>) -> Result<(), Refusal> {
        let user = self.inner.owner(login).await?;
        let directory = self.directory();
        let mut change = directory.change().await?;
        if let Some(name) = name {
            found(&mut change, user.id, name).await?;
        }
        let was = rows::list(&mut change.tx, user.id).await?.into_iter().find(|script| script.active);
        rows::activate(&mut change.tx, user.id, name, self.inner.ground.clock.now_ms()).await?;
        match (name, was) {
            (Some(name), was) if was.as_ref().is_none_or(|was| was.name != name) => {
                change.note(Deed::ScriptActivated, resource(&user, name), (None, None));
            }
            (None, Some(was)) => change.note(Deed::ScriptDeactivated, resource(&user, &was.name), (None, None)),
            (Some(_) | None, _) => {}
        }
        changed(change, user.id).await
    }

    /// Gives a script another name; the active one stays active (RFC 5804 §2.11). Errors: NotFound, Exists, Invalid.
    pub async fn rename_script(&self, login: &str, from: &str, to: &str) -> Result<(), Refusal> {
        check_name("name", to)?;
        let user = self.inner.owner(login).await?;
        let directory = self.directory();
        let mut change = directory.change().await?;
        let was = found(&mut change, user.id, from).await?;
        if rows::find(&mut change.tx, user.id, to).await?.is_some() {
            return Err(Refusal::Exists {
                what: "script",
                name: to.to_owned(),
            });
        }
        rows::rename(&mut change.tx, user.id, from, (to, self.inner.ground.clock.now_ms())).await?;
        let names = [&*was.name, to].map(|name| Some(json!({ "name": name })));
        change.note(Deed::ScriptChanged, resource(&user, from), names.into());
        changed(change, user.id).await
    }

    /// Removes a script. Errors: NotFound, InUse (it is active), Changed.
    pub async fn remove_script(&self, login: &str, name: &str, expected: &Expectation) -> Result<(), Refusal> {
        let user = self.inner.owner(login).await?;
        let directory = self.directory();
        let mut change = directory.change().await?;
        let script = found(&mut change, user.id, name).await?;
        expected.check(Some(script.revision(user.id)))?;
        if script.active {
            return Err(Refusal::InUse(format!(
                "the script {name} is active; make another one active, or none, first"
            )));
        }
        rows::delete(&mut change.tx, user.id, name).await?;
        change.note(
            Deed::ScriptRemoved,
            resource(&user, name),
            (Some(json!({ "name": script.name, "size": script.size })), None),
        );
        changed(change, user.id).await
    }

    /// The form for an absence. Errors: NotFound.
    pub async fn absence(&self, login: &str) -> Result<(Vacation, Revision), Refusal> {
        let user = self.inner.owner(login).await?;
        let row = rows::find(&mut self.inner.ground.database.read_alone().await?, user.id, ABSENCE).await?;
        let form = row.and_then(|(row, text)| Some((absence::read(&text)?, row.revision(user.id))));
        form.ok_or_else(|| no_absence(&user))
    }

    /// Sets the form for an absence. Errors: NotFound (the user), Invalid, Changed.
    pub async fn put_absence(&self, login: &str, form: &Vacation, expected: &Expectation) -> Result<Placed<Revision>, Refusal> {
        check_form(form)?;
        let stored = self.store(login, ABSENCE, &absence::kept(form), expected).await?;
        let placed = stored.map_err(|no_room| Refusal::LimitReached(no_room.to_string()))?;
        Ok(Placed {
            now: placed.now.1,
            is_new: placed.is_new,
        })
    }

    /// Removes the form for an absence. Errors: NotFound, Changed.
    pub async fn remove_absence(&self, login: &str, expected: &Expectation) -> Result<(), Refusal> {
        let user = self.inner.owner(login).await?;
        let directory = self.directory();
        let mut change = directory.change().await?;
        let row = rows::find(&mut change.tx, user.id, ABSENCE).await?;
        let (script, _) = row.ok_or_else(|| no_absence(&user))?;
        expected.check(Some(script.revision(user.id)))?;
        rows::delete(&mut change.tx, user.id, ABSENCE).await?;
        change.note(Deed::VacationRemoved, vacation(&user), (None, None));
        changed(change, user.id).await
    }

    async fn store(&self, login: &str, name: &str, text: &[u8], expected: &Expectation) -> Result<Result<Stored, NoRoom>, Refusal> {
        let user = self.inner.owner(login).await?;
        let directory = self.directory();
        let mut change = directory.change().await?;
        let was = rows::find(&mut change.tx, user.id, name).await?;
        expected.check(was.as_ref().map(|(script, _)| script.revision(user.id)))?;
        let is_new = was.is_none();
        if is_new && name != ABSENCE {
            let scripts = rows::list(&mut change.tx, user.id).await?;
            if let Err(no_room) = self.inner.room_among(&scripts, name) {
                return Ok(Err(no_room));
            }
        }
        let before = was.as_ref().filter(|_| name != ABSENCE).map(|(script, text)| shown(script, text));
        let now = self.inner.ground.clock.now_ms();
        let size = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let script = match was {
            Some((was, _)) => Script {
                size,
                // No two states have the same time.
                updated_at: timestamp(now.max(was.updated_at.as_millisecond().saturating_add(1))),
                ..was
            },
            None => Script {
                name: name.to_owned(),
                size,
                active: false,
                created_at: timestamp(now),
                updated_at: timestamp(now),
            },
        };
        match is_new {
            true => rows::insert(&mut change.tx, user.id, &script, text).await?,
            false => rows::update(&mut change.tx, user.id, &script, text).await?,
        }
        let (deed, resource) = deed(&user, name, is_new);
        let after = (name != ABSENCE).then(|| shown(&script, text));
        change.note(deed, resource, (before, after));
        changed(change, user.id).await?;
        let revision = script.revision(user.id);
        Ok(Ok(Placed {
            now: (script, revision),
            is_new,
        }))
    }
}

impl Inner {
    /// Whether one more may be added to the scripts of a user, or is the one of this name.
    fn room_among(&self, scripts: &[Script], name: &str) -> Result<(), NoRoom> {
        let most = self.ground.settings.max_scripts;
        let others = scripts.iter().filter(|script| script.name != ABSENCE && script.name != name);
        let is_there = scripts.iter().any(|script| script.name == name);
        match is_there || others.count() < most {
            true => Ok(()),
            false => Err(NoRoom::TooMany(most)),
        }
    }

    /// The user, who has mail to filter.
    async fn owner(&self, login: &str) -> Result<Arc<User>, Refusal> {
        let user = self.ground.directory.user(login).await?;
        match user.address {
            Some(_) => Ok(user),
            None => Err(Refusal::NotPermitted(format!(
                "{} has no mailbox, so there is no mail to filter",
                user.login
            ))),
        }
    }
}

/// A script in the audit log: its text is told by its digest, and is the user's own.
fn shown(script: &Script, text: &[u8]) -> Value {
    let digest: String = Sha256::digest(text).iter().map(|octet| format!("{octet:02x}")).collect();
    json!({ "name": script.name, "size": script.size, "sha256": digest })
}

fn deed(user: &User, name: &str, is_new: bool) -> (Deed, Resource) {
    match (name, is_new) {
        (ABSENCE, _) => (Deed::VacationSet, vacation(user)),
        (name, true) => (Deed::ScriptCreated, resource(user, name)),
        (name, false) => (Deed::ScriptChanged, resource(user, name)),
    }
}

fn resource(user: &User, name: &str) -> Resource {
    Resource::user(&user.login).part("sieve", name)
}

fn vacation(user: &User) -> Resource {
    let user = Resource::user(&user.login);
    Resource {
        part: Some("vacation".to_owned()),
        ..user
    }
}

async fn found(change: &mut Change<'_>, user: UserId, name: &str) -> Result<Script, Refusal> {
    let row = match is_script_name(name) {
        true => rows::find(&mut change.tx, user, name).await?,
        false => None,
    };
    row.map(|(script, _)| script).ok_or_else(|| no_script(name))
}

/// Stores what was changed, so that whoever asks for the user from now on has the new scripts.
async fn changed(mut change: Change<'_>, user: UserId) -> Result<(), Refusal> {
    let scripts = rows::list(&mut change.tx, user).await?;
    // One that is not active may be named by a mailbox.
    users::set_filter(&mut change.tx, user, (!scripts.is_empty()).then(FilterId::fresh)).await?;
    Ok(change.commit().await?)
}

fn no_absence(user: &User) -> Refusal {
    Refusal::NotFound {
        what: "vacation reply",
        name: format!("of {}", user.login),
    }
}

fn no_script(name: &str) -> Refusal {
    Refusal::NotFound {
        what: "script",
        name: name.to_owned(),
    }
}

fn check_name(field: &'static str, name: &str) -> Result<(), Refusal> {
    if is_script_name(name) {
        return Ok(());
    }
    Err(Refusal::Invalid {
        field,
        problem: "right would be up to 128 characters, without '/' and control characters, that do not begin with a dot".into(),
    })
}

fn check_form(form: &Vacation) -> Result<(), Refusal> {
    let invalid = |field, problem: &str| {
        Err(Refusal::Invalid {
            field,
            problem: problem.to_owned(),
        })
    };
    if form.text.trim().is_empty() || form.text.len() > MOST_TEXT {
        return invalid("text", "right would be a text of at most 65536 octets");
    }
    if form
        .subject
        .as_ref()
        .is_some_and(|it| it.len() > 1000 || it.chars().any(char::is_control))
    {
        return invalid("subject", "right would be one line of at most 1000 octets");
    }
    if form.addresses.len() > MOST_ADDRESSES
        || form
            .addresses
            .iter()
            .any(|it| crate::model::address::EmailAddress::parse(it).is_err())
    {
        return invalid("addresses", "right would be at most 100 mail addresses");
    }
    if !(1..=MOST_DAYS).contains(&form.days) {
        return invalid("days", "right would be a number from 1 to 365");
    }
    if form.from.zip(form.until).is_some_and(|(from, until)| from >= until) {
        return invalid("until", "is not later than from");
    }
    Ok(())
}
