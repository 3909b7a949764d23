//! Who else may do what with a mailbox (RFC 4314).

use actix_web::web::{Data, Path};
use actix_web::{delete, get, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::located;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login, not_found};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::{NoContent, Tagged};
use crate::mail::mailbox::ANYONE;
use crate::model::account::User;
use crate::model::ids::MailboxId;
use crate::model::mailbox::MailboxInfo;
use crate::model::refusal::Refusal;
use crate::model::revision::Revision;
use crate::model::rights::Rights;

/// What somebody may do with a mailbox (RFC 4314 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum MailboxRight {
    /// See that it is there.
    Lookup,
    /// Read its messages.
    Read,
    /// Mark messages as seen.
    Seen,
    /// Change other marks.
    Write,
    /// Put messages into it.
    Insert,
    /// Send mail to it.
    Post,
    /// Make mailboxes below it.
    Create,
    /// Delete it.
    Delete,
    /// Mark messages for removal.
    Trash,
    /// Remove messages.
    Expunge,
    /// Give and take rights.
    Admin,
}

/// Each right with its letter.
const LETTERS: [(MailboxRight, &str); 11] = [
    (MailboxRight::Lookup, "l"),
    (MailboxRight::Read, "r"),
    (MailboxRight::Seen, "s"),
    (MailboxRight::Write, "w"),
    (MailboxRight::Insert, "i"),
    (MailboxRight::Post, "p"),
    (MailboxRight::Create, "k"),
    (MailboxRight::Delete, "x"),
    (MailboxRight::Trash, "t"),
    (MailboxRight::Expunge, "e"),
    (MailboxRight::Admin, "a"),
];

/// What somebody may do with a mailbox.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"login": "bob@example.test", "rights": ["lookup", "read", "seen"]}))]
pub(in crate::api) struct MailboxRights {
    /// The login of a user of the same domain, or `anyone` for all of them.
    login: String,
    rights: Vec<MailboxRight>,
}

/// What somebody is to be allowed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rights": ["lookup", "read", "seen"]}))]
pub(in crate::api) struct NewRights {
    /// All that they may do, at least one thing.
    #[schema(min_items = 1)]
    rights: Vec<MailboxRight>,
}

/// Who may do what with a mailbox.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct MailboxRightsList {
    /// By login; the owner, who may do everything, is not among them.
    items: Vec<MailboxRights>,
}

impl MailboxRights {
    fn new(login: String, rights: Rights) -> Self {
        let letters = rights.letters();
        let has = LETTERS.into_iter().filter(|(_, letter)| letters.contains(letter));
        Self {
            login,
            rights: has.map(|(right, _)| right).collect(),
        }
    }
}

fn rights(wanted: &[MailboxRight]) -> Result<Rights, Problem> {
    let letters = LETTERS.into_iter().filter(|(right, _)| wanted.contains(right));
    let letters: String = letters.map(|(_, letter)| letter).collect();
    match Rights::parse(&letters) {
        Ok(rights) if !rights.is_empty() => Ok(rights),
        _ => Err(field::invalid("rights", "there must be at least one; DELETE takes all of them")),
    }
}

/// The state of what somebody was given on a mailbox.
fn revision(mailbox: MailboxId, rights: Rights) -> Revision {
    Revision::of_all(mailbox.0, rights.letters())
}

/// What somebody was given.
async fn given(house: &House, owner: &User, info: &MailboxInfo, login: &str) -> Result<Option<Rights>, Refusal> {
    let all = house.mailboxes.acl(owner, &info.name).await?;
    Ok(all.into_iter().find(|(known, _)| known == login).map(|(_, rights)| rights))
}

/// The login of a user, or all.
fn named(login: &str) -> Result<String, Problem> {
    if login.eq_ignore_ascii_case(ANYONE) {
        return Ok(ANYONE.to_owned());
    }
    Ok(field::named::<Login>("user of this domain", login)?.key())
}

/// List rights on a mailbox
///
/// What others of the domain may do with it, over IMAP below `Other Users/`. For the owner and for server administrators.
#[utoipa::path(
    operation_id = "list_mailbox_rights", tag = "mailboxes", security(("bearer" = ["mailboxes:read"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("mailbox_id" = String, Path, description = "The id of the mailbox.", example = "01jzc8m3f9xkq")
    ),
    responses((status = 200, description = "Who may do what.", body = MailboxRightsList), Problems)
)]
#[get("/users/{address}/mailboxes/{mailbox_id}/rights")]
pub async fn list(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<Json<MailboxRightsList>, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.reads_mail(&login)?;
    let id: MailboxId = field::named("mailbox", &id)?;
    let found = house.run(|house| async move {
        let (user, info) = located(&house, &login, id).await?;
        house.mailboxes.acl(&user, &info.name).await
    });
    let items = found.await?.into_iter().map(|(login, rights)| MailboxRights::new(login, rights));
    Ok(Json(MailboxRightsList { items: items.collect() }))
}

/// Show rights on a mailbox
///
/// What a user of the domain, or `anyone`, was given. For the owner and for server administrators.
#[utoipa::path(
    operation_id = "show_mailbox_rights", tag = "mailboxes", security(("bearer" = ["mailboxes:read"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("mailbox_id" = String, Path, description = "The id of the mailbox.", example = "01jzc8m3f9xkq"),
        ("login" = String, Path, description = "The login of the other user, or `anyone`.", example = "bob@example.test")
    ),
    responses((status = 200, description = "What they may do.", body = MailboxRights), Problems)
)]
#[get("/users/{address}/mailboxes/{mailbox_id}/rights/{login}")]
pub async fn show(caller: Caller, house: Data<House>, path: Path<(String, String, String)>) -> Result<Tagged<MailboxRights>, Problem> {
    let (address, id, other) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.reads_mail(&login)?;
    let id: MailboxId = field::named("mailbox", &id)?;
    let other = named(&other)?;
    let found = house.run(|house| async move {
        let (user, info) = located(&house, &login, id).await?;
        house.mailboxes.acl(&user, &info.name).await
    });
    let found = found.await?.into_iter().find(|(login, _)| *login == other);
    let (login, rights) = found.ok_or_else(|| not_found("right of", &other))?;
    Ok(Tagged(revision(id, rights), MailboxRights::new(login, rights)))
}

/// Give rights on a mailbox
///
/// To another user of the domain or to `anyone`, in the place of those that they had. For the owner and for server administrators.
#[utoipa::path(
    operation_id = "put_mailbox_rights", tag = "mailboxes", security(("bearer" = ["mailboxes:write"])), request_body = NewRights,
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("mailbox_id" = String, Path, description = "The id of the mailbox.", example = "01jzc8m3f9xkq"),
        ("login" = String, Path, description = "The login of the other user, or `anyone`.", example = "bob@example.test")
    ),
    responses((status = 200, description = "What they may do now.", body = MailboxRights), Problems, BodyProblems)
)]
#[put("/users/{address}/mailboxes/{mailbox_id}/rights/{login}")]
pub async fn put(
    caller: Caller,
    house: Data<House>,
    path: Path<(String, String, String)>,
    Json(body): Json<NewRights>,
) -> Result<Tagged<MailboxRights>, Problem> {
    let (address, id, other) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.changes_mail(&login)?;
    let id: MailboxId = field::named("mailbox", &id)?;
    let (other, rights) = (named(&other)?, rights(&body.rights)?);
    let (expected, actor) = (caller.expected(), caller.actor());
    let put = house.run(|house| async move {
        let (user, info) = located(&house, &login, id).await?;
        let had = given(&house, &user, &info, &other).await?;
        expected.check(had.map(|had| revision(id, had)))?;
        let change = house.mailboxes.set_acl(&user, &info.name, &other, |_| rights).await?;
        house.audit.note_rights(&actor, &user, &change).await;
        Ok(Tagged(revision(id, rights), MailboxRights::new(other, rights)))
    });
    put.await
}

/// Take rights on a mailbox
///
/// All that a user, or `anyone`, was given. For the owner and for server administrators.
#[utoipa::path(
    operation_id = "delete_mailbox_rights", tag = "mailboxes", security(("bearer" = ["mailboxes:write"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("mailbox_id" = String, Path, description = "The id of the mailbox.", example = "01jzc8m3f9xkq"),
        ("login" = String, Path, description = "The login of the other user, or `anyone`.", example = "bob@example.test")
    ),
    responses((status = 204, description = "They have none any more."), Problems)
)]
#[delete("/users/{address}/mailboxes/{mailbox_id}/rights/{login}")]
pub async fn remove(caller: Caller, house: Data<House>, path: Path<(String, String, String)>) -> Result<NoContent, Problem> {
    let (address, id, other) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.changes_mail(&login)?;
    let id: MailboxId = field::named("mailbox", &id)?;
    let other = named(&other)?;
    let (expected, actor) = (caller.expected(), caller.actor());
    house
        .run(|house| async move {
            let (user, info) = located(&house, &login, id).await?;
            let had = given(&house, &user, &info, &other).await?.ok_or_else(|| Refusal::NotFound {
                what: "right of",
                name: other.clone(),
            })?;
            expected.check(Some(revision(id, had)))?;
            let change = house.mailboxes.set_acl(&user, &info.name, &other, |_| Rights::NONE).await?;
            house.audit.note_rights(&actor, &user, &change).await;
            Ok(())
        })
        .await?;
    Ok(NoContent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_has_a_name() {
        let all: Vec<MailboxRight> = LETTERS.into_iter().map(|(right, _)| right).collect();
        assert_eq!(rights(&all).unwrap(), Rights::ALL);
        assert_eq!(MailboxRights::new(String::new(), Rights::ALL).rights, all);
        assert_eq!(rights(&[MailboxRight::Read, MailboxRight::Lookup]).unwrap().letters(), "lr");
        assert!(rights(&[]).is_err());
    }
}
