use actix_web::get;
use actix_web::web::{Data, Path};

use super::{Webhook, found, id, own};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::Tagged;

/// Show a webhook
///
/// Without its secret.
#[utoipa::path(
    operation_id = "show_webhook", tag = "webhooks", security(("bearer" = ["webhooks:read"])),
    params(("id" = String, Path, description = "The id of the webhook.", example = "01jzc8m3f9xkq")),
    responses((status = 200, description = "The webhook.", body = Webhook), Problems)
)]
#[get("/webhooks/{id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Tagged<Webhook>, Problem> {
    let (own, id) = (own(&caller)?, id(&path)?);
    let webhook = house.run(|house| async move { found(&house, own, id).await }).await?;
    Ok(Tagged(webhook.revision(), webhook.into()))
}
