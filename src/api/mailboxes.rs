//! The folders of a user.

use std::sync::Arc;

use actix_web::get;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Json;
use super::caller::Caller;
use super::field::{self, Login, not_found};
use super::house::House;
use super::problem::{Problem, Problems};
use crate::model::account::User;
use crate::model::ids::MailboxId;
use crate::model::mailbox::{self, MailboxInfo, MailboxStatus};
use crate::model::refusal::Refusal;

/// A mailbox (folder) of a user.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "name": "INBOX", "subscribed": true, "uidvalidity": 1, "messages": 17, "unseen": 3, "size": 482_133
}))]
pub(super) struct Mailbox {
    /// Stays when the mailbox is renamed.
    id: String,
    /// Its name; `/` separates the levels.
    name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    special_use: Option<SpecialUse>,
    /// Whether the user subscribed to it.
    subscribed: bool,
    /// Changes if the ids of its messages are no longer those of before.
    #[schema(value_type = u64)]
    uidvalidity: u32,
    /// How many messages.
    #[schema(value_type = u64)]
    messages: u32,
    /// How many of them are not seen.
    #[schema(value_type = u64)]
    unseen: u32,
    /// Octets of all messages.
    size: u64,
}

/// What a mailbox is for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SpecialUse {
    Archive,
    Drafts,
    Junk,
    Sent,
    Trash,
}

impl From<mailbox::SpecialUse> for SpecialUse {
    fn from(special_use: mailbox::SpecialUse) -> Self {
        match special_use {
            mailbox::SpecialUse::Archive => Self::Archive,
            mailbox::SpecialUse::Drafts => Self::Drafts,
            mailbox::SpecialUse::Junk => Self::Junk,
            mailbox::SpecialUse::Sent => Self::Sent,
            mailbox::SpecialUse::Trash => Self::Trash,
        }
    }
}

impl From<(MailboxInfo, MailboxStatus)> for Mailbox {
    fn from((info, status): (MailboxInfo, MailboxStatus)) -> Self {
        Self {
            id: info.id.to_string(),
            name: info.name.to_string(),
            special_use: info.special_use.map(Into::into),
            subscribed: info.subscribed,
            uidvalidity: info.uidvalidity,
            messages: status.messages,
            unseen: status.unseen,
            size: status.size,
        }
    }
}

/// The mailboxes of a user.
#[derive(Serialize, ToSchema)]
pub(super) struct MailboxList {
    /// By name, INBOX first.
    items: Vec<Mailbox>,
}

/// List mailboxes
///
/// By name, INBOX first, with the counts of each. For the user and for server administrators.
#[utoipa::path(
    operation_id = "list_mailboxes", tag = "mailboxes", security(("bearer" = [])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "The mailboxes.", body = MailboxList), Problems)
)]
#[get("/users/{address}/mailboxes")]
pub async fn list(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<MailboxList>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.reads_mail(&login)?;
    let items = house.run(|house| async move {
        let user = owner(&house, &login).await?;
        let mut items = Vec::new();
        for info in house.mailboxes.list(&user).await? {
            match house.mailboxes.status(&user, &info.name).await {
                Ok(status) => items.push(Mailbox::from((info, status))),
                // It went away in between.
                Err(Refusal::NotFound { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(items)
    });
    Ok(Json(MailboxList { items: items.await? }))
}

/// Show a mailbox
///
/// With its counts. For the user and for server administrators.
#[utoipa::path(
    operation_id = "show_mailbox", tag = "mailboxes", security(("bearer" = [])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("mailbox_id" = String, Path, description = "The id of the mailbox.", example = "01jzc8m3f9xkq")
    ),
    responses((status = 200, description = "The mailbox.", body = Mailbox), Problems)
)]
#[get("/users/{address}/mailboxes/{mailbox_id}")]
pub async fn show(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<Json<Mailbox>, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.reads_mail(&login)?;
    let mailbox_id: MailboxId = field::named("mailbox", &id)?;
    let found = house.run(|house| async move {
        let user = owner(&house, &login).await?;
        let info = house.mailboxes.list(&user).await?.into_iter().find(|info| info.id == mailbox_id);
        match info {
            Some(info) => {
                let status = house.mailboxes.status(&user, &info.name).await?;
                Ok(Some(Mailbox::from((info, status))))
            }
            None => Ok(None),
        }
    });
    found.await?.map(Json).ok_or_else(|| not_found("mailbox", &id))
}

/// The user whose mail is asked for. An administrator without an address has none.
pub(super) async fn owner(house: &House, login: &Login) -> Result<Arc<User>, Refusal> {
    let user = house.directory.user(&login.key()).await?;
    if user.address.is_none() {
        return Err(Refusal::NotFound {
            what: "mail of",
            name: login.to_string(),
        });
    }
    Ok(user)
}
