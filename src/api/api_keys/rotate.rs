use actix_web::post;
use actix_web::web::{Data, Path};

use super::NewApiKey;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::Once;
use crate::model::ids::ApiKeyId;

/// Rotate an API key
///
/// It gets another secret, which the answer has, this once; the old one stops working at once. All else stays. For server
/// administrators.
#[utoipa::path(
    operation_id = "rotate_api_key", tag = "api-keys", security(("bearer" = ["keys:write"])),
    params(("id" = String, Path, description = "The id of the key.", example = "01jzc8m3f9xkq")),
    responses((status = 200, description = "The key with its new secret.", body = NewApiKey), Problems)
)]
#[post("/api-keys/{id}/rotate")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Once<Json<NewApiKey>>, Problem> {
    caller.server_admin()?;
    let id: ApiKeyId = field::named("API key", &path)?;
    let directory = caller.directory(&house);
    let rotated = house.run(|house| async move {
        caller.outranks(&house.directory.api_key(id).await?)?;
        directory.rotate_api_key(id).await
    });
    let (key, secret) = rotated.await?;
    Ok(Once(Json(NewApiKey::new(key, &secret))))
}
