use actix_web::delete;
use actix_web::web::{Data, Path};

use super::{found, id, own};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::NoContent;

/// Delete a webhook
///
/// It is told of nothing any more, and the log of its deliveries goes with it.
#[utoipa::path(
    operation_id = "delete_webhook", tag = "webhooks", security(("bearer" = ["webhooks:write"])),
    params(("id" = String, Path, description = "The id of the webhook.", example = "01jzc8m3f9xkq")),
    responses((status = 204, description = "It is gone."), Problems)
)]
#[delete("/webhooks/{id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<NoContent, Problem> {
    let (own, id) = (own(&caller)?, id(&path)?);
    let (expected, actor) = (caller.expected(), caller.actor());
    house
        .run(|house| async move {
            found(&house, own, id).await?;
            house.webhooks.remove(id, &expected, &actor).await
        })
        .await?;
    Ok(NoContent)
}
