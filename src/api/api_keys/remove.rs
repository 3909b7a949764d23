use actix_web::delete;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::NoContent;
use crate::model::ids::ApiKeyId;

/// Delete an API key
///
/// It stops working at once. For server administrators.
#[utoipa::path(
    operation_id = "delete_api_key", tag = "api-keys", security(("bearer" = ["keys:write"])),
    params(("id" = String, Path, description = "The id of the key.", example = "01jzc8m3f9xkq")),
    responses((status = 204, description = "It is gone."), Problems)
)]
#[delete("/api-keys/{id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<NoContent, Problem> {
    caller.server_admin()?;
    let id: ApiKeyId = field::named("API key", &path)?;
    let directory = caller.directory(&house);
    house.run(|_| async move { directory.remove_api_key(id).await }).await?;
    Ok(NoContent)
}
