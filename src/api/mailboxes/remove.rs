use actix_web::delete;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{located, note, revision};
use crate::api::body::Query;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Conflict, Problem, Problems};
use crate::api::reply::NoContent;
use crate::mail::mailbox::Contents;
use crate::model::audit::Deed;
use crate::model::ids::MailboxId;

/// How a mailbox is deleted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Removal {
    /// Whether its messages may go with it: if not, only an empty mailbox is deleted.
    #[param(example = false)]
    force: Option<bool>,
}

/// Delete a mailbox
///
/// An empty one, or with `force` any; this cannot be undone. Neither the INBOX nor a mailbox with others below it can be deleted. For the
/// user and for server administrators.
#[utoipa::path(
    operation_id = "delete_mailbox", tag = "mailboxes", security(("bearer" = ["mailboxes:write"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("mailbox_id" = String, Path, description = "The id of the mailbox.", example = "01jzc8m3f9xkq"),
        Removal
    ),
    responses((status = 204, description = "The mailbox is gone."), Problems, Conflict)
)]
#[delete("/users/{address}/mailboxes/{mailbox_id}")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<(String, String)>,
    Query(removal): Query<Removal>,
) -> Result<NoContent, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.changes_mail(&login)?;
    let id: MailboxId = field::named("mailbox", &id)?;
    let contents = if removal.force == Some(true) {
        Contents::Any
    } else {
        Contents::None
    };
    let (expected, actor) = (caller.expected(), caller.actor());
    house
        .run(|house| async move {
            let (user, info) = located(&house, &login, id).await?;
            expected.check(Some(revision(&info)))?;
            // What other programs have put into the folder is seen first.
            house.mailboxes.open(&user, &info.name).await?;
            house.mailboxes.delete(&user, &info.name, contents).await?;
            note(&house, &actor, Deed::MailboxRemoved, &user, [Some(&info), None]).await;
            Ok(())
        })
        .await?;
    Ok(NoContent)
}
