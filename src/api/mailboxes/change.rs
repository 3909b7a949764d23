use actix_web::patch;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Mailbox, SpecialUse, located, note, revision, shown};
use crate::api::body::{Json, present};
use crate::api::caller::Caller;
use crate::api::field::{self, Login, invalid};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Tagged;
use crate::model::audit::Deed;
use crate::model::ids::MailboxId;
use crate::model::mailbox::MailboxName;
use crate::model::refusal::Refusal;

/// A change of a mailbox (RFC 7396): what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Customers/2027", "subscribed": false}))]
pub(in crate::api) struct MailboxPatch {
    /// Another name. The mailboxes below it move along.
    #[serde(default, deserialize_with = "present")]
    name: Option<String>,
    /// Whether the user subscribes to it.
    #[serde(default, deserialize_with = "present")]
    subscribed: Option<bool>,
    /// What it is for; a mailbox that was for this is no longer. `null`: nothing special.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<SpecialUse>)]
    special_use: Option<Option<SpecialUse>>,
}

/// Change a mailbox
///
/// Its id stays. The INBOX keeps its name. For the user and for server administrators.
#[utoipa::path(
    operation_id = "change_mailbox", tag = "mailboxes", security(("bearer" = ["mailboxes:write"])), request_body = MailboxPatch,
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("mailbox_id" = String, Path, description = "The id of the mailbox.", example = "01jzc8m3f9xkq")
    ),
    responses((status = 200, description = "The changed mailbox.", body = Mailbox), Problems, BodyProblems)
)]
#[patch("/users/{address}/mailboxes/{mailbox_id}")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<(String, String)>,
    Json(body): Json<MailboxPatch>,
) -> Result<Tagged<Mailbox>, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.changes_mail(&login)?;
    let id: MailboxId = field::named("mailbox", &id)?;
    let name = body.name.as_deref().map(MailboxName::parse).transpose();
    let name = name.map_err(|error| invalid("name", error.to_string()))?;
    let (expected, actor) = (caller.expected(), caller.actor());
    let changed = house.run(|house| async move {
        let (user, info) = located(&house, &login, id).await?;
        expected.check(Some(revision(&info)))?;
        let before = info.clone();
        if let Some(new) = name.filter(|new| *new != info.name) {
            // Over IMAP that moves its messages to a new mailbox; nobody would look for them there.
            if info.name.is_inbox() {
                return Err(Refusal::NotPermitted("the INBOX keeps its name".to_owned()));
            }
            house.mailboxes.rename(&user, &info.name, &new).await?;
            if info.subscribed {
                house.mailboxes.subscribe(&user, &info.name, false).await?;
                house.mailboxes.subscribe(&user, &new, true).await?;
            }
        }
        let (user, info) = located(&house, &login, id).await?;
        if let Some(special_use) = body.special_use {
            let special_use = special_use.map(Into::into);
            house.mailboxes.set_special_use(&user, &info.name, special_use).await?;
        }
        if let Some(subscribed) = body.subscribed {
            house.mailboxes.subscribe(&user, &info.name, subscribed).await?;
        }
        let (user, info) = located(&house, &login, id).await?;
        note(&house, &actor, Deed::MailboxChanged, &user, [Some(&before), Some(&info)]).await;
        shown(&house, &user, info).await
    });
    changed.await
}
