//! Programs elsewhere that are told of events.

pub mod change;
pub mod create;
pub mod deliveries;
pub mod list;
pub mod remove;
pub mod rotate;
pub mod show;
pub mod test;

use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::field;
use super::house::House;
use super::problem::Problem;
use super::time::Time;
use super::word::{DeliveryStateName, EventKindName};
use crate::model::address::Domain;
use crate::model::ids::WebhookId;
use crate::model::refusal::Refusal;
use crate::model::scope::Scope;
use crate::model::secret::Secret;
use crate::model::webhook;

/// A program that is told of events, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "url": "https://panel.example.org/hook", "kinds": ["message.stored"], "domains": ["example.test"],
    "enabled": true, "description": "", "created_at": "2026-11-23T20:19:30.125Z", "updated_at": "2026-11-23T20:19:30.125Z"
}))]
pub(super) struct Webhook {
    id: String,
    /// Where events are posted.
    url: String,
    /// Of these kinds; empty: all.
    kinds: Vec<EventKindName>,
    /// In these domains; empty: all, and what happens in none.
    domains: Vec<String>,
    /// Whether it is told of anything.
    enabled: bool,
    /// A note for people.
    description: String,
    /// Since when nothing arrives there; absent: the last event did.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Time>,
    /// When it was made.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

impl From<webhook::Webhook> for Webhook {
    fn from(webhook: webhook::Webhook) -> Self {
        Self {
            id: webhook.id.to_string(),
            url: webhook.url,
            kinds: webhook.kinds.into_iter().map(EventKindName).collect(),
            domains: webhook.domains.iter().map(Domain::to_string).collect(),
            enabled: webhook.enabled,
            description: webhook.description,
            failing_since: webhook.failing_since.map(Time),
            created_at: Time(webhook.created_at),
            updated_at: Time(webhook.updated_at),
        }
    }
}

/// A new webhook, or one with a new secret, which is never shown again.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookWithSecret {
    #[serde(flatten)]
    about: Webhook,
    /// What the signatures are made with. Keep it now.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

impl WebhookWithSecret {
    fn new(about: webhook::Webhook, secret: &Secret) -> Self {
        Self {
            about: about.into(),
            secret: secret.expose().to_owned(),
        }
    }
}

/// An event on its way to a webhook.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "event_id": "4711", "kind": "message.stored", "state": "waiting", "attempts": 2, "status": 500,
    "error": "it answered 500", "begun_at": "2026-11-23T20:19:30.125Z", "tried_at": "2026-11-23T20:19:41Z",
    "next_attempt_at": "2026-11-23T20:20:02Z", "body": "{\"id\":\"4711\",\"type\":\"message.stored\"}"
}))]
pub(super) struct WebhookDelivery {
    /// The webhook is told it too, as `msg_…` in `webhook-id`: the same at each attempt.
    id: String,
    /// The id of the event; absent of a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    /// The kind of the event, or `webhook.test`.
    kind: String,
    state: DeliveryStateName,
    /// How often it was tried.
    attempts: u32,
    /// The status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 999)]
    status: Option<u16>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// When it was made.
    begun_at: Time,
    /// When it was last tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    tried_at: Option<Time>,
    /// When it is tried next, if it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Time>,
    /// What is posted.
    body: String,
}

impl From<webhook::Delivery> for WebhookDelivery {
    fn from(delivery: webhook::Delivery) -> Self {
        let waits = delivery.state == webhook::DeliveryState::Waiting;
        Self {
            id: delivery.id.to_string(),
            event_id: delivery.event.map(|number| number.to_string()),
            kind: delivery.kind,
            state: DeliveryStateName(delivery.state),
            attempts: delivery.attempts,
            status: delivery.status,
            error: delivery.error,
            begun_at: Time(delivery.id.at()),
            tried_at: delivery.tried_at.map(Time),
            next_attempt_at: waits.then_some(Time(delivery.next_at)),
            body: delivery.body,
        }
    }
}

/// Who is told of events hears them: whoever arranges that must be one who may hear them.
fn hears(caller: &Caller) -> Result<(), Problem> {
    caller.visible(None)?;
    caller.gives(&[Scope::EventsRead]).map_err(Problem::from)
}

/// The domains of a body, which must be those of the caller; an administrator of domains who names none means theirs.
fn domains(caller: &Caller, texts: &[String]) -> Result<Vec<Domain>, Problem> {
    let named: Vec<Domain> = field::values("domains", texts)?;
    for domain in &named {
        caller.domain_admin(Some(domain))?;
    }
    match caller.visible(None)? {
        Some(own) if named.is_empty() => Ok(own),
        Some(_) | None => Ok(named),
    }
}

/// Whether the caller may see and change it: of an administrator of domains, those that are told of these alone.
fn is_visible(own: Option<&[Domain]>, webhook: &webhook::Webhook) -> bool {
    own.is_none_or(|own| !webhook.domains.is_empty() && webhook.domains.iter().all(|domain| own.contains(domain)))
}

/// The id of a path.
fn id(text: &str) -> Result<WebhookId, Problem> {
    field::named("webhook", text)
}

/// The webhook, if the caller may see it. Errors: NotFound.
async fn found(house: &House, own: Option<Vec<Domain>>, id: WebhookId) -> Result<webhook::Webhook, Refusal> {
    let webhook = house.webhooks.show(id).await?;
    match is_visible(own.as_deref(), &webhook) {
        true => Ok(webhook),
        false => Err(Refusal::NotFound {
            what: "webhook",
            name: id.to_string(),
        }),
    }
}

/// The domains of the caller; none: all. Plain users are refused.
fn own(caller: &Caller) -> Result<Option<Vec<Domain>>, Problem> {
    caller.visible(None)
}
