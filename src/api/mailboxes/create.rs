use actix_web::post;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Mailbox, SpecialUse, located, note, owner, shown};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login, invalid};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::{Created, Tagged, segment};
use crate::model::audit::Deed;
use crate::model::mailbox::MailboxName;

/// A mailbox to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Customers/2026", "subscribed": true}))]
pub(in crate::api) struct NewMailbox {
    /// Its name; `/` separates the levels. What is missing above it is made too.
    name: String,
    /// What it is for; a mailbox that was for this is no longer.
    special_use: Option<SpecialUse>,
    /// Whether the user subscribes to it: mail clients show these. `true` if absent.
    subscribed: Option<bool>,
}

/// Create a mailbox
///
/// For the user and for server administrators.
#[utoipa::path(
    operation_id = "create_mailbox", tag = "mailboxes", security(("bearer" = ["mailboxes:write"])), request_body = NewMailbox,
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses(
        (status = 201, description = "The mailbox.", body = Mailbox, headers(("Location" = String, description = "Where it is."))),
        Problems, BodyProblems
    )
)]
#[post("/users/{address}/mailboxes")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Json(body): Json<NewMailbox>,
) -> Result<Created<Mailbox>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.changes_mail(&login)?;
    let name = MailboxName::parse(&body.name).map_err(|error| invalid("name", error.to_string()))?;
    let collection = format!("users/{}/mailboxes", segment(&login.to_string()));
    let actor = caller.actor();
    let made = house.run(|house| async move {
        let user = owner(&house, &login).await?;
        let made = house.mailboxes.create(&user, &name, None).await?;
        if let Some(special_use) = body.special_use {
            house.mailboxes.set_special_use(&user, &name, Some(special_use.into())).await?;
        }
        if body.subscribed.unwrap_or(true) {
            house.mailboxes.subscribe(&user, &name, true).await?;
        }
        let (user, info) = located(&house, &login, made.id).await?;
        note(&house, &actor, Deed::MailboxCreated, &user, [None, Some(&info)]).await;
        shown(&house, &user, info).await
    });
    let Tagged(revision, made) = made.await?;
    Ok(Created::new(&collection, &made.id.clone(), made).tagged(revision))
}
