use actix_web::post;
use actix_web::web::Data;

use super::JwtKey;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};

/// Rotate the key of access tokens
///
/// A new key signs from now on, on all nodes; what the old one signed is honoured until it ends by itself. For server administrators.
#[utoipa::path(
    operation_id = "rotate_jwt_keys", tag = "server", security(("bearer" = ["server:write"])),
    responses((status = 200, description = "The new key.", body = JwtKey), Problems)
)]
#[post("/server/jwt-keys/rotate")]
pub async fn handler(caller: Caller, house: Data<House>) -> Result<Json<JwtKey>, Problem> {
    caller.server_admin()?;
    let directory = caller.directory(&house);
    let key = house.run(|_| async move { directory.rotate_signing_key().await }).await?;
    Ok(Json(key.into()))
}
