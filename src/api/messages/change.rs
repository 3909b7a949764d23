use actix_web::patch;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::find::{self, Hit};
use super::id::MessageId;
use super::marks::{Change, Marks};
use super::place::Place;
use super::summary::MessageSummary;
use super::{Located, gone, located};
use crate::api::body::{Json, present};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Kind, Problem, Problems};
use crate::api::reply::Tagged;
use crate::model::refusal::Refusal;
use crate::model::revision::Expectation;

/// A change of a message (RFC 7396): what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"marks": {"seen": true}, "mailbox": "Archive"}))]
pub(in crate::api) struct MessagePatch {
    /// The marks to change.
    #[serde(default, deserialize_with = "present")]
    marks: Option<Marks>,
    /// The name of the mailbox to move it to.
    #[serde(default, deserialize_with = "present")]
    mailbox: Option<String>,
    /// The id of the mailbox to move it to, instead of its name.
    #[serde(default, deserialize_with = "present")]
    mailbox_id: Option<String>,
}

/// Change a message
///
/// Its marks, and where it is. A message that is moved gets another id, which the answer has. For the user and for server administrators.
#[utoipa::path(
    operation_id = "change_message", tag = "messages", security(("bearer" = ["messages:write"])), request_body = MessagePatch,
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("message_id" = String, Path, description = "The id of the message.", example = "01jzc8m3f9xkq-17")
    ),
    responses((status = 200, description = "The changed message.", body = MessageSummary), Problems, BodyProblems)
)]
#[patch("/users/{address}/messages/{message_id}")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<(String, String)>,
    Json(body): Json<MessagePatch>,
) -> Result<Tagged<MessageSummary>, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.changes_mail(&login)?;
    let id: MessageId = field::named("message", &id)?;
    let place = Place::read(Kind::Invalid, body.mailbox.as_deref(), body.mailbox_id.as_deref())?;
    let change = body.marks.unwrap_or_default().read()?;
    let expected = caller.expected();
    let changed = house.run(|house| async move {
        let found = located(&house, &login, id).await?;
        change_one(&house, found, (&change, place.as_ref()), &expected).await
    });
    let changed = changed.await?;
    Ok(Tagged(changed.revision(), changed))
}

async fn change_one(
    house: &House,
    found: Located,
    (change, place): (&Change, Option<&Place>),
    expected: &Expectation,
) -> Result<MessageSummary, Refusal> {
    let id = found.id();
    expected.check(Some(found.revision()))?;
    let unchanged_since = expected.is.as_ref().map(|_| found.meta.modseq);
    let (mut mailbox, mut message) = (found.mailbox, found.meta);
    if !change.is_empty() {
        let change = change.of_flags(&mailbox).await?;
        let (stored, left) = mailbox.store(&[id.uid], change, unchanged_since).await?;
        if !left.is_empty() {
            return Err(Refusal::Changed);
        }
        message = stored.into_iter().next().ok_or_else(|| gone(id))?;
    }
    if let Some(place) = place {
        let target = place.open(house, &found.user).await?;
        if target.info().id != mailbox.info().id {
            let moved = mailbox.relocate(&[id.uid], &target).await?;
            let (_, uid) = moved.uids.first().copied().ok_or_else(|| gone(id))?;
            message = target.message(uid).ok_or_else(|| gone(id))?;
            mailbox = target;
        }
    }
    let hit = Hit { source: 0, message };
    let shown = find::summaries(&[mailbox], &[hit]).await?;
    shown.into_iter().next().ok_or_else(|| gone(id))
}
