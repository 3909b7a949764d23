use actix_web::post;
use actix_web::web::{Data, Path};

use super::{WebhookDelivery, found, id, own};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Conflict, Problem, Problems};

/// Test a webhook
///
/// Posts an event of the type `webhook.test` now, once, and says what came of it.
#[utoipa::path(
    operation_id = "test_webhook", tag = "webhooks", security(("bearer" = ["webhooks:write"])),
    params(("id" = String, Path, description = "The id of the webhook.", example = "01jzc8m3f9xkq")),
    responses((status = 200, description = "What came of it.", body = WebhookDelivery), Problems, Conflict)
)]
#[post("/webhooks/{id}/test")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<WebhookDelivery>, Problem> {
    let (own, id) = (own(&caller)?, id(&path)?);
    let tested = house.run(|house| async move {
        found(&house, own, id).await?;
        house.webhooks.test(id).await
    });
    Ok(Json(tested.await?.into()))
}
