use actix_web::post;
use actix_web::web::{Data, Path};

use super::{WebhookWithSecret, found, hears, id, own};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::Once;

/// Rotate the secret of a webhook
///
/// It gets another one, which the answer has, this once. For a day what is posted is signed by both.
#[utoipa::path(
    operation_id = "rotate_webhook_secret", tag = "webhooks", security(("bearer" = ["webhooks:write"])),
    params(("id" = String, Path, description = "The id of the webhook.", example = "01jzc8m3f9xkq")),
    responses((status = 200, description = "The webhook with its new secret.", body = WebhookWithSecret), Problems)
)]
#[post("/webhooks/{id}/rotate")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Once<Json<WebhookWithSecret>>, Problem> {
    let (own, id) = (own(&caller)?, id(&path)?);
    hears(&caller)?;
    let actor = caller.actor();
    let rotated = house.run(|house| async move {
        found(&house, own, id).await?;
        house.webhooks.rotate(id, &actor).await
    });
    let (webhook, secret) = rotated.await?;
    Ok(Once(Json(WebhookWithSecret::new(webhook, &secret))))
}
