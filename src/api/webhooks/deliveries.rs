//! What was posted to a webhook, and how that went.

use actix_web::web::{Data, Path};
use actix_web::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{WebhookDelivery, found, id, own};
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::page;
use crate::api::problem::{Conflict, Problem, Problems};
use crate::api::word::DeliveryStateName;
use crate::model::ids::DeliveryId;

/// Which deliveries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct WhichDeliveries {
    /// Only those in this state.
    #[param(value_type = Option<DeliveryStateName>)]
    state: Option<DeliveryStateName>,
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of deliveries.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct WebhookDeliveryList {
    /// The newest first.
    items: Vec<WebhookDelivery>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List what a webhook was told
///
/// Each event with what became of it, the newest first, kept for `webhooks.keep_days`.
#[utoipa::path(
    operation_id = "list_webhook_deliveries", tag = "webhooks", security(("bearer" = ["webhooks:read"])),
    params(("id" = String, Path, description = "The id of the webhook.", example = "01jzc8m3f9xkq"), WhichDeliveries),
    responses((status = 200, description = "A page of deliveries.", body = WebhookDeliveryList), Problems)
)]
#[get("/webhooks/{id}/deliveries")]
pub async fn list(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Query(which): Query<WhichDeliveries>,
) -> Result<Json<WebhookDeliveryList>, Problem> {
    let page = page::bounds(which.limit, which.cursor)?;
    let (own, id) = (own(&caller)?, id(&path)?);
    let before: Option<DeliveryId> = page
        .after
        .map(|cursor| cursor.parse().map_err(|_| page::bad_cursor()))
        .transpose()?;
    let state = which.state.map(|state| state.0);
    let listed = house.run_while_asked(|house| async move {
        found(&house, own, id).await?;
        house.webhooks.deliveries(id, state, before, page.limit).await
    });
    let listed = listed.await?;
    Ok(Json(WebhookDeliveryList {
        items: listed.items.into_iter().map(WebhookDelivery::from).collect(),
        next_cursor: listed.next,
    }))
}

/// Tell a webhook once more
///
/// Posts the event again, at once, whatever became of it, with further attempts if it fails.
#[utoipa::path(
    operation_id = "replay_webhook_delivery", tag = "webhooks", security(("bearer" = ["webhooks:write"])),
    params(
        ("id" = String, Path, description = "The id of the webhook.", example = "01jzc8m3f9xkq"),
        ("delivery_id" = String, Path, description = "The id of the delivery.", example = "01jzc8m3f9xkq")
    ),
    responses((status = 200, description = "It waits again.", body = WebhookDelivery), Problems, Conflict)
)]
#[post("/webhooks/{id}/deliveries/{delivery_id}/replay")]
pub async fn replay(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<Json<WebhookDelivery>, Problem> {
    let (own, id) = (own(&caller)?, id(&path.0)?);
    let delivery: DeliveryId = field::named("delivery", &path.1)?;
    let replayed = house.run(|house| async move {
        found(&house, own, id).await?;
        house.webhooks.replay(id, delivery).await
    });
    Ok(Json(replayed.await?.into()))
}
