use actix_web::get;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::JwtKey;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};

/// The keys that sign access tokens, or did and are honoured.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct JwtKeyList {
    /// The newest first.
    items: Vec<JwtKey>,
}

/// List the keys of access tokens
///
/// Without their secrets. For server administrators.
#[utoipa::path(
    operation_id = "list_jwt_keys", tag = "server", security(("bearer" = ["server:read"])),
    responses((status = 200, description = "The keys.", body = JwtKeyList), Problems)
)]
#[get("/server/jwt-keys")]
pub async fn handler(caller: Caller, house: Data<House>) -> Result<Json<JwtKeyList>, Problem> {
    caller.server_admin()?;
    let keys = house.run(|house| async move { house.directory.signing_keys().await }).await?;
    Ok(Json(JwtKeyList {
        items: keys.into_iter().map(JwtKey::from).collect(),
    }))
}
