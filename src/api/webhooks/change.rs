use actix_web::patch;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Webhook, domains, found, hears, id, own};
use crate::api::body::{Json, present};
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Tagged;
use crate::api::word::EventKindName;
use crate::mail::webhooks::WebhookChange;

/// A change of a webhook (RFC 7396): what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enabled": false}))]
pub(in crate::api) struct WebhookPatch {
    /// Where events are posted.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 2000)]
    url: Option<String>,
    /// Of these kinds: the whole list; empty: all.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_items = 100)]
    kinds: Option<Vec<EventKindName>>,
    /// In these domains: the whole list; empty: all that the caller administers.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_items = 1000)]
    domains: Option<Vec<String>>,
    /// Whether it is told of anything. One that is enabled is told of what happens from then on.
    #[serde(default, deserialize_with = "present")]
    enabled: Option<bool>,
    /// A note for people.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 255)]
    description: Option<String>,
}

/// Change a webhook
///
/// A merge patch: a field that is absent stays as it is.
#[utoipa::path(
    operation_id = "change_webhook", tag = "webhooks", security(("bearer" = ["webhooks:write"])), request_body = WebhookPatch,
    params(("id" = String, Path, description = "The id of the webhook.", example = "01jzc8m3f9xkq")),
    responses((status = 200, description = "The changed webhook.", body = Webhook), Problems, BodyProblems)
)]
#[patch("/webhooks/{id}")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Json(body): Json<WebhookPatch>,
) -> Result<Tagged<Webhook>, Problem> {
    let (own, id) = (own(&caller)?, id(&path)?);
    hears(&caller)?;
    let change = WebhookChange {
        url: body.url,
        kinds: body.kinds.map(|kinds| kinds.into_iter().map(|kind| kind.0).collect()),
        domains: body.domains.map(|texts| domains(&caller, &texts)).transpose()?,
        enabled: body.enabled,
        description: body.description.map(|text| field::text("description", text)).transpose()?,
    };
    let (expected, actor) = (caller.expected(), caller.actor());
    let changed = house.run(|house| async move {
        found(&house, own, id).await?;
        house.webhooks.change(id, change, &expected, &actor).await
    });
    let webhook = changed.await?;
    Ok(Tagged(webhook.revision(), webhook.into()))
}
