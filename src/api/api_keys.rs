//! The keys by which programs log in. A key is shown once, when it is made.

use actix_web::web::{Data, Path};
use actix_web::{delete, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Json;
use super::caller::Caller;
use super::field;
use super::house::House;
use super::problem::{BodyProblems, Problem, Problems};
use super::reply::{Created, NoContent, Once};
use super::time::Time;
use crate::model::account;
use crate::model::address::Domain;
use crate::model::ids::ApiKeyId;

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "name": "panel", "role": "domain_admin", "domain": "example.test",
    "created_at": "2026-11-23T20:19:30.125Z", "last_used_at": "2026-11-23T21:02:00Z"
}))]
pub(super) struct ApiKey {
    id: String,
    /// What it is for.
    name: String,
    role: KeyRole,
    /// The only domain that a domain administrator's key may touch.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// When it was made.
    created_at: Time,
    /// When it stops working; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Time>,
}

/// What a key may do: administer the users and aliases of one domain, or everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyRole {
    DomainAdmin,
    ServerAdmin,
}

impl From<account::ApiKey> for ApiKey {
    fn from(key: account::ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            role: match key.role {
                account::Role::ServerAdmin => KeyRole::ServerAdmin,
                account::Role::DomainAdmin | account::Role::User => KeyRole::DomainAdmin,
            },
            domain: key.domain.map(|domain| domain.to_string()),
            created_at: Time(key.created_at),
            expires_at: key.expires_at.map(Time),
            last_used_at: key.last_used_at.map(Time),
        }
    }
}

/// The API keys.
#[derive(Serialize, ToSchema)]
pub(super) struct ApiKeyList {
    items: Vec<ApiKey>,
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "panel", "role": "domain_admin", "domain": "example.test"}))]
pub(super) struct ApiKeyCreate {
    /// What it is for.
    #[schema(max_length = 255)]
    name: String,
    role: KeyRole,
    /// The domain of a domain administrator's key.
    domain: Option<String>,
    /// When it stops working; absent: never.
    expires_at: Option<Time>,
}

/// A new key, with its secret, which is never shown again.
#[derive(Serialize, ToSchema)]
pub(super) struct NewApiKey {
    #[serde(flatten)]
    about: ApiKey,
    /// Goes into `Authorization: Bearer …`. Keep it now.
    #[schema(example = "phk_6m9p2c4x7r1t5w8z")]
    key: String,
}

/// List API keys
///
/// Without their secrets. For server administrators.
#[utoipa::path(
    operation_id = "list_api_keys", tag = "api-keys", security(("bearer" = [])),
    responses((status = 200, description = "The keys.", body = ApiKeyList), Problems)
)]
#[get("/api-keys")]
pub async fn list(caller: Caller, house: Data<House>) -> Result<Json<ApiKeyList>, Problem> {
    caller.server_admin()?;
    let keys = house.run(|house| async move { house.directory.api_keys().await }).await?;
    Ok(Json(ApiKeyList {
        items: keys.into_iter().map(ApiKey::from).collect(),
    }))
}

/// Create an API key
///
/// The answer has the key itself, this once. A domain administrator's key never reads mail. For server administrators.
#[utoipa::path(
    operation_id = "create_api_key", tag = "api-keys", security(("bearer" = [])), request_body = ApiKeyCreate,
    responses(
        (status = 201, description = "The new key.", body = NewApiKey, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[post("/api-keys")]
pub async fn create(caller: Caller, house: Data<House>, Json(body): Json<ApiKeyCreate>) -> Result<Once<Created<NewApiKey>>, Problem> {
    caller.server_admin()?;
    let name = field::text("name", body.name)?;
    let domain: Option<Domain> = body.domain.map(|text| field::value("domain", &text)).transpose()?;
    let role = match (body.role, &domain) {
        (KeyRole::ServerAdmin, None) => account::Role::ServerAdmin,
        (KeyRole::DomainAdmin, Some(_)) => account::Role::DomainAdmin,
        (KeyRole::ServerAdmin, Some(_)) => return Err(field::invalid("domain", "a server administrator's key has no domain")),
        (KeyRole::DomainAdmin, None) => return Err(field::invalid("domain", "a domain administrator's key needs its domain")),
    };
    let expires_at = body.expires_at.map(|time| time.0);
    let made = house.run(|house| async move { house.directory.create_api_key(name, role, domain, expires_at).await });
    let (key, secret) = made.await?;
    let about = ApiKey::from(key);
    let id = about.id.clone();
    let key = secret.expose().to_owned();
    Ok(Once(Created::new("api-keys", &id, NewApiKey { about, key })))
}

/// Delete an API key
///
/// It stops working at once. For server administrators.
#[utoipa::path(
    operation_id = "delete_api_key", tag = "api-keys", security(("bearer" = [])),
    params(("id" = String, Path, description = "The id of the key.", example = "01jzc8m3f9xkq")),
    responses((status = 204, description = "It is gone."), Problems)
)]
#[delete("/api-keys/{id}")]
pub async fn remove(caller: Caller, house: Data<House>, path: Path<String>) -> Result<NoContent, Problem> {
    caller.server_admin()?;
    let id: ApiKeyId = field::named("API key", &path)?;
    house.run(|house| async move { house.directory.remove_api_key(id).await }).await?;
    Ok(NoContent)
}
