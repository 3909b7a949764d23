use actix_web::post;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{WebhookWithSecret, domains, hears};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::{Created, Once};
use crate::api::word::EventKindName;
use crate::mail::webhooks;

/// A webhook to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://panel.example.org/hook", "kinds": ["message.stored"], "domains": ["example.test"]}))]
pub(in crate::api) struct WebhookCreate {
    /// Where events are posted: of `https`, at an address of the internet or a network of `webhooks.allow_networks`.
    #[schema(max_length = 2000)]
    url: String,
    /// Of these kinds; all if absent or empty.
    #[schema(max_items = 100)]
    kinds: Option<Vec<EventKindName>>,
    /// In these domains; all that the caller administers if absent or empty.
    #[schema(max_items = 1000)]
    domains: Option<Vec<String>>,
    /// Whether it is told of anything; `true` if absent.
    enabled: Option<bool>,
    /// A note for people.
    #[schema(max_length = 255)]
    description: Option<String>,
}

/// Create a webhook
///
/// From now on each event is posted there, as Standard Webhooks has it: a JSON body with `type`, `timestamp` and `data`, the fields
/// `webhook-id`, `webhook-timestamp` and `webhook-signature`. What is not answered 2xx is posted again, with waits that grow. The answer has the
/// secret of the signatures, this once. For administrators; those of a domain hear of what happens in it. A key needs `events:read` too.
#[utoipa::path(
    operation_id = "create_webhook", tag = "webhooks", security(("bearer" = ["webhooks:write"])), request_body = WebhookCreate,
    responses(
        (status = 201, description = "The new webhook.", body = WebhookWithSecret, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[post("/webhooks")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    Json(body): Json<WebhookCreate>,
) -> Result<Once<Created<WebhookWithSecret>>, Problem> {
    hears(&caller)?;
    let new = webhooks::NewWebhook {
        url: body.url,
        kinds: body.kinds.unwrap_or_default().into_iter().map(|kind| kind.0).collect(),
        domains: domains(&caller, &body.domains.unwrap_or_default())?,
        enabled: body.enabled.unwrap_or(true),
        description: field::text("description", body.description.unwrap_or_default())?,
    };
    let actor = caller.actor();
    let (webhook, secret) = house.run(|house| async move { house.webhooks.create(new, &actor).await }).await?;
    let (id, revision) = (webhook.id.to_string(), webhook.revision());
    Ok(Once(
        Created::new("webhooks", &id, WebhookWithSecret::new(webhook, &secret)).tagged(revision),
    ))
}
