use actix_web::delete;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::NoContent;
use crate::model::ids::MailId;
use crate::model::queue::Steering;

/// Drop a message from the queue
///
/// Nobody is told: there is no bounce. For server administrators.
#[utoipa::path(
    operation_id = "delete_queued", tag = "queue", security(("bearer" = ["queue:write"])),
    params(("queue_id" = String, Path, description = "The id of the message.", example = "01jzc8m3f9xkq")),
    responses((status = 204, description = "It is gone."), Problems)
)]
#[delete("/queue/{queue_id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<NoContent, Problem> {
    caller.server_admin()?;
    let id: MailId = field::named("message in the queue", &path)?;
    let actor = caller.actor();
    house
        .run(|house| async move { house.steer_one(&actor, id, Steering::Remove).await })
        .await?;
    Ok(NoContent)
}
