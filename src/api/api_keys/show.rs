use actix_web::get;
use actix_web::web::{Data, Path};

use super::ApiKey;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::Tagged;
use crate::model::ids::ApiKeyId;

/// Show an API key
///
/// Without its secret. For server administrators.
#[utoipa::path(
    operation_id = "show_api_key", tag = "api-keys", security(("bearer" = ["keys:read"])),
    params(("id" = String, Path, description = "The id of the key.", example = "01jzc8m3f9xkq")),
    responses((status = 200, description = "The key.", body = ApiKey), Problems)
)]
#[get("/api-keys/{id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Tagged<ApiKey>, Problem> {
    caller.server_admin()?;
    let id: ApiKeyId = field::named("API key", &path)?;
    let key = house.run(|house| async move { house.directory.api_key(id).await }).await?;
    Ok(Tagged(key.revision(), key.into()))
}
