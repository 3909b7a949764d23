use actix_web::get;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiKey;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};

/// The API keys.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct ApiKeyList {
    /// The oldest first.
    items: Vec<ApiKey>,
}

/// List API keys
///
/// Without their secrets. For server administrators.
#[utoipa::path(
    operation_id = "list_api_keys", tag = "api-keys", security(("bearer" = ["keys:read"])),
    responses((status = 200, description = "The keys.", body = ApiKeyList), Problems)
)]
#[get("/api-keys")]
pub async fn handler(caller: Caller, house: Data<House>) -> Result<Json<ApiKeyList>, Problem> {
    caller.server_admin()?;
    let keys = house.run(|house| async move { house.directory.api_keys().await }).await?;
    Ok(Json(ApiKeyList {
        items: keys.into_iter().map(ApiKey::from).collect(),
    }))
}
