use actix_web::get;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::page;
use crate::api::problem::{Problem, Problems};
use crate::api::time::Time;
use crate::api::word::{ActorKindName, DeedName};
use crate::mail::audit::AuditFilter;
use crate::model::audit::{Actor, AuditEntry};
use crate::model::ids::AuditId;

/// The longest name or path that is looked for.
const LONGEST: usize = 1_100;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct WhichChanges {
    /// Only what this user, key or account of the machine did: a login, the name of a key, or the id of either.
    #[param(example = "admin")]
    actor: Option<String>,
    /// Only what was done with this thing, by its path below `/api/v1`, or with a part of it.
    #[param(example = "users/alice@example.test")]
    resource: Option<String>,
    /// Only changes of this kind.
    #[param(value_type = Option<DeedName>)]
    kind: Option<DeedName>,
    /// Only what was done with things of this domain.
    #[param(example = "example.test")]
    domain: Option<String>,
    /// Only what was done from this moment on.
    #[param(value_type = Option<Time>)]
    since: Option<Time>,
    /// Only what was done before this moment.
    #[param(value_type = Option<Time>)]
    until: Option<Time>,
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Who made a change.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct AuditActor {
    kind: ActorKindName,
    /// The login of the user, the name of the key, or the account on the server's machine; absent for the server itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    name: String,
    /// The id of the user or the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The client's address, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

impl From<Actor> for AuditActor {
    fn from(actor: Actor) -> Self {
        Self {
            kind: ActorKindName(actor.kind),
            name: actor.name,
            id: actor.id,
            address: actor.from.map(|ip| ip.to_string()),
        }
    }
}

/// A change that was made.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "at": "2026-11-23T20:19:30.125Z", "kind": "user.changed", "resource": "users/alice@example.test",
    "actor": {"kind": "api_key", "name": "panel", "id": "01jzc8m3f9xka", "address": "192.0.2.7"}, "domain": "example.test",
    "request_id": "019ab0f1-4c55-7e0a-8a5b-0f6d1c2b3a49", "before": {"quota_bytes": 1_000_000}, "after": {"quota_bytes": 2_000_000}
}))]
pub(in crate::api) struct AuditLogEntry {
    id: String,
    /// When.
    at: Time,
    actor: AuditActor,
    kind: DeedName,
    /// What was changed: its path below `/api/v1`, with nothing escaped.
    resource: String,
    /// The domain that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// The `x-request-id` of the reply, if it was done over the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// What was there before, without secrets; absent where there was nothing, or nothing to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Map<String, Value>>,
    /// What is there since.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Map<String, Value>>,
}

impl From<AuditEntry> for AuditLogEntry {
    fn from(entry: AuditEntry) -> Self {
        let fields = |document: Option<Value>| match document {
            Some(Value::Object(fields)) => Some(fields),
            _ => None,
        };
        Self {
            id: entry.id.to_string(),
            at: Time(entry.id.at()),
            kind: DeedName(entry.deed),
            resource: entry.resource.to_string(),
            domain: entry.resource.domain.map(|domain| domain.to_string()),
            request_id: entry.actor.request_id.clone(),
            actor: entry.actor.into(),
            before: fields(entry.before),
            after: fields(entry.after),
        }
    }
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct AuditLog {
    /// The newest first.
    items: Vec<AuditLogEntry>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Show the audit log
///
/// Who changed what, when, from where, with what was there before and after; the newest first, kept for `audit.keep_days`. Changes of the
/// directory, of keys, of filters, of mailboxes and their rights over the API, and of the queue are in it, whoever made them; messages are not.
/// An administrator of a domain sees what was done with things of it.
#[utoipa::path(
    operation_id = "list_audit_log", tag = "server", security(("bearer" = ["audit:read"])), params(WhichChanges),
    responses((status = 200, description = "A page of the log.", body = AuditLog), Problems)
)]
#[get("/audit-log")]
pub async fn handler(caller: Caller, house: Data<House>, Query(which): Query<WhichChanges>) -> Result<Json<AuditLog>, Problem> {
    let page = page::bounds(which.limit, which.cursor)?;
    let domain = which.domain.map(|text| field::named("domain", &text)).transpose()?;
    let filter = AuditFilter {
        domains: caller.visible(domain)?,
        actor: field::filter("actor", which.actor, LONGEST)?,
        resource: field::filter("resource", which.resource, LONGEST)?,
        deed: which.kind.map(|kind| kind.0),
        since: which.since.map(|time| time.0),
        until: which.until.map(|time| time.0),
    };
    let before: Option<AuditId> = page
        .after
        .map(|cursor| cursor.parse().map_err(|_| page::bad_cursor()))
        .transpose()?;
    let found = house
        .run_while_asked(|house| async move { house.audit.list(&filter, before, page.limit).await })
        .await?;
    Ok(Json(AuditLog {
        items: found.items.into_iter().map(AuditLogEntry::from).collect(),
        next_cursor: found.next,
    }))
}
