use actix_web::post;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{KeyRole, NewApiKey, domains, scopes};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::{Created, Once};
use crate::api::time::Time;
use crate::api::word::ScopeName;
use crate::mail::directory;
use crate::model::scope::Scope;

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "panel", "scopes": ["provision"], "domains": ["example.test"]}))]
pub(in crate::api) struct ApiKeyCreate {
    /// What it is for.
    #[schema(max_length = 255)]
    name: String,
    /// What it may be used for; everything that its role may if absent.
    #[schema(min_items = 1)]
    scopes: Option<Vec<ScopeName>>,
    /// The only domains that it may touch; all if absent or empty.
    #[schema(max_items = 1000)]
    domains: Option<Vec<String>>,
    /// Follows from the domains; if given, it must be right.
    role: Option<KeyRole>,
    /// When it stops working; absent: never.
    expires_at: Option<Time>,
}

/// Create an API key
///
/// The answer has the key itself, this once. A key with domains reads their mail only if it was given a scope for that by name. For server
/// administrators, and for keys, which give no scope that they lack.
#[utoipa::path(
    operation_id = "create_api_key", tag = "api-keys", security(("bearer" = ["keys:write"])), request_body = ApiKeyCreate,
    responses(
        (status = 201, description = "The new key.", body = NewApiKey, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[post("/api-keys")]
pub async fn handler(caller: Caller, house: Data<House>, Json(body): Json<ApiKeyCreate>) -> Result<Once<Created<NewApiKey>>, Problem> {
    caller.server_admin()?;
    let domains = domains(&body.domains.unwrap_or_default())?;
    match body.role {
        Some(KeyRole::ServerAdmin) if !domains.is_empty() => {
            return Err(field::invalid("domains", "a server administrator's key has no domains"));
        }
        Some(KeyRole::DomainAdmin) if domains.is_empty() => {
            return Err(field::invalid("domains", "a domain administrator's key needs its domains"));
        }
        _ => {}
    }
    let new = directory::NewApiKey {
        name: field::text("name", body.name)?,
        scopes: scopes(body.scopes.unwrap_or_else(|| vec![ScopeName(Scope::Everything)])),
        domains,
        expires_at: body.expires_at.map(|time| time.0),
    };
    caller.gives(&new.scopes)?;
    let directory = caller.directory(&house);
    let (key, secret) = house.run(|_| async move { directory.create_api_key(new).await }).await?;
    let (id, revision) = (key.id.to_string(), key.revision());
    Ok(Once(Created::new("api-keys", &id, NewApiKey::new(key, &secret)).tagged(revision)))
}
