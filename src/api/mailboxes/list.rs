use actix_web::get;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Mailbox, owner, shown};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::Tagged;
use crate::model::refusal::Refusal;

/// The mailboxes of a user.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct MailboxList {
    /// By name, INBOX first.
    items: Vec<Mailbox>,
}

/// List mailboxes
///
/// By name, INBOX first, with the counts of each. For the user and for server administrators.
#[utoipa::path(
    operation_id = "list_mailboxes", tag = "mailboxes", security(("bearer" = ["mailboxes:read"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "The mailboxes.", body = MailboxList), Problems)
)]
#[get("/users/{address}/mailboxes")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<MailboxList>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.reads_mail(&login)?;
    let items = house.run(|house| async move {
        let user = owner(&house, &login).await?;
        let mut items = Vec::new();
        for info in house.mailboxes.list(&user).await? {
            match shown(&house, &user, info).await {
                Ok(Tagged(_, mailbox)) => items.push(mailbox),
                // It went away in between.
                Err(Refusal::NotFound { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(items)
    });
    Ok(Json(MailboxList { items: items.await? }))
}
