use actix_web::patch;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::QueuedMessage;
use crate::api::body::{Json, present};
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::model::ids::MailId;
use crate::model::queue::Steering;

/// A change of queued messages (RFC 7396): what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"held": true}))]
pub(in crate::api) struct QueuedPatch {
    /// Whether the recipients that are not yet delivered wait for their release. What is released is tried at once.
    #[serde(default, deserialize_with = "present")]
    held: Option<bool>,
}

impl QueuedPatch {
    /// What is to be done.
    pub(super) fn steering(&self) -> Option<Steering> {
        self.held.map(|held| if held { Steering::Hold } else { Steering::Release })
    }
}

/// Hold or release a message
///
/// A merge patch. A message that is held is not tried, and does not expire, before it is released. For server administrators.
#[utoipa::path(
    operation_id = "change_queued", tag = "queue", security(("bearer" = ["queue:write"])), request_body = QueuedPatch,
    params(("queue_id" = String, Path, description = "The id of the message.", example = "01jzc8m3f9xkq")),
    responses((status = 200, description = "The changed message.", body = QueuedMessage), Problems, BodyProblems)
)]
#[patch("/queue/{queue_id}")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Json(body): Json<QueuedPatch>,
) -> Result<Json<QueuedMessage>, Problem> {
    caller.server_admin()?;
    let id: MailId = field::named("message in the queue", &path)?;
    let actor = caller.actor();
    let mail = house
        .run(|house| async move {
            if let Some(steering) = body.steering() {
                house.steer_one(&actor, id, steering).await?;
            }
            house.queue.show(id).await
        })
        .await?;
    Ok(Json(mail.into()))
}
