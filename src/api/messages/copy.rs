use actix_web::post;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::find::{self, Hit};
use super::id::MessageId;
use super::place::Place;
use super::summary::MessageSummary;
use super::{collection, gone, located};
use crate::api::body::{Json, present};
use crate::api::caller::Caller;
use crate::api::field::{self, Login, invalid};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Kind, Problem, Problems};
use crate::api::reply::Created;

/// Where a message is copied to: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"mailbox": "Archive"}))]
pub(in crate::api) struct CopyTarget {
    /// The name of the mailbox.
    #[serde(default, deserialize_with = "present")]
    mailbox: Option<String>,
    /// The id of the mailbox.
    #[serde(default, deserialize_with = "present")]
    mailbox_id: Option<String>,
}

/// Copy a message
///
/// With its marks, to another mailbox of the user or to the same. For the user and for server administrators.
#[utoipa::path(
    operation_id = "copy_message", tag = "messages", security(("bearer" = ["messages:write"])), request_body = CopyTarget,
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("message_id" = String, Path, description = "The id of the message.", example = "01jzc8m3f9xkq-17")
    ),
    responses(
        (status = 201, description = "The copy.", body = MessageSummary, headers(("Location" = String, description = "Where it is."))),
        Problems, BodyProblems
    )
)]
#[post("/users/{address}/messages/{message_id}/copy")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<(String, String)>,
    Json(body): Json<CopyTarget>,
) -> Result<Created<MessageSummary>, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.changes_mail(&login)?;
    let id: MessageId = field::named("message", &id)?;
    let place = Place::read(Kind::Invalid, body.mailbox.as_deref(), body.mailbox_id.as_deref())?;
    let place = place.ok_or_else(|| invalid("mailbox", "mailbox or mailbox_id must say where the copy goes"))?;
    let collection = collection(&login);
    let copied = house.run(|house| async move {
        let found = located(&house, &login, id).await?;
        let target = place.open(&house, &found.user).await?;
        let copied = found.mailbox.copy(&[id.uid], &target).await?;
        let copy = copied.uids.first().and_then(|(_, uid)| target.message(*uid));
        let message = copy.ok_or_else(|| gone(id))?;
        let hit = Hit { source: 0, message };
        let shown = find::summaries(&[target], &[hit]).await?;
        shown.into_iter().next().ok_or_else(|| gone(id))
    });
    let copy = copied.await?;
    let revision = copy.revision();
    Ok(Created::new(&collection, &copy.id.clone(), copy).tagged(revision))
}
