use actix_web::patch;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ApiKey, domains, scopes};
use crate::api::body::{Json, present};
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Tagged;
use crate::api::time::Time;
use crate::api::word::ScopeName;
use crate::mail::directory::ApiKeyChange;
use crate::model::ids::ApiKeyId;

/// A change of a key (RFC 7396): what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"scopes": ["users:read", "aliases:read"]}))]
pub(in crate::api) struct ApiKeyPatch {
    /// What it is for.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 255)]
    name: Option<String>,
    /// What it may be used for: the whole list.
    #[serde(default, deserialize_with = "present")]
    #[schema(min_items = 1)]
    scopes: Option<Vec<ScopeName>>,
    /// The only domains that it may touch: the whole list; empty: all.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_items = 1000)]
    domains: Option<Vec<String>>,
    /// When it stops working. `null`: never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Time>)]
    expires_at: Option<Option<Time>>,
}

/// Change an API key
///
/// A merge patch: a field that is absent stays as it is. It holds from the next request on. For server administrators.
#[utoipa::path(
    operation_id = "change_api_key", tag = "api-keys", security(("bearer" = ["keys:write"])), request_body = ApiKeyPatch,
    params(("id" = String, Path, description = "The id of the key.", example = "01jzc8m3f9xkq")),
    responses((status = 200, description = "The changed key.", body = ApiKey), Problems, BodyProblems)
)]
#[patch("/api-keys/{id}")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Json(body): Json<ApiKeyPatch>,
) -> Result<Tagged<ApiKey>, Problem> {
    caller.server_admin()?;
    let id: ApiKeyId = field::named("API key", &path)?;
    let change = ApiKeyChange {
        name: body.name.map(|name| field::text("name", name)).transpose()?,
        scopes: body.scopes.map(scopes),
        domains: body.domains.map(|texts| domains(&texts)).transpose()?,
        expires_at: body.expires_at.map(|time| time.map(|time| time.0)),
    };
    let directory = caller.directory(&house);
    let key = house.run(|house| async move {
        // Whoever changes a key that may do more than they could use it as such.
        caller.outranks(&house.directory.api_key(id).await?)?;
        caller.gives(change.scopes.as_deref().unwrap_or_default())?;
        directory.change_api_key(id, change).await
    });
    let key = key.await?;
    Ok(Tagged(key.revision(), key.into()))
}
