use actix_web::get;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Webhook, is_visible, own};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};

/// The webhooks.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct WebhookList {
    /// The oldest first.
    items: Vec<Webhook>,
}

/// List webhooks
///
/// Without their secrets. An administrator of a domain sees those that are told of it alone.
#[utoipa::path(
    operation_id = "list_webhooks", tag = "webhooks", security(("bearer" = ["webhooks:read"])),
    responses((status = 200, description = "The webhooks.", body = WebhookList), Problems)
)]
#[get("/webhooks")]
pub async fn handler(caller: Caller, house: Data<House>) -> Result<Json<WebhookList>, Problem> {
    let own = own(&caller)?;
    let mut found = house.run(|house| async move { house.webhooks.list().await }).await?;
    found.retain(|webhook| is_visible(own.as_deref(), webhook));
    Ok(Json(WebhookList {
        items: found.into_iter().map(Webhook::from).collect(),
    }))
}
