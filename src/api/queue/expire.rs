use actix_web::post;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::NoContent;
use crate::model::ids::MailId;
use crate::model::queue::Steering;

/// Give up a message now
///
/// What is not yet delivered fails as if its time were over, and the sender is told. What is being delivered at this moment is left
/// alone. For server administrators.
#[utoipa::path(
    operation_id = "expire_queued", tag = "queue", security(("bearer" = ["queue:write"])),
    params(("queue_id" = String, Path, description = "The id of the message.", example = "01jzc8m3f9xkq")),
    responses((status = 204, description = "It is given up."), Problems)
)]
#[post("/queue/{queue_id}/expire")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<NoContent, Problem> {
    caller.server_admin()?;
    let id: MailId = field::named("message in the queue", &path)?;
    let actor = caller.actor();
    house
        .run(|house| async move { house.steer_one(&actor, id, Steering::Expire).await })
        .await?;
    Ok(NoContent)
}
