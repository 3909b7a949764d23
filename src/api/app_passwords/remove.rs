use actix_web::delete;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::NoContent;
use crate::model::ids::AppPasswordId;

/// Delete an app password
///
/// Nobody logs in with it any more; sessions that began with it go on until they end. For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "delete_app_password", tag = "app-passwords", security(("bearer" = ["users:password"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("id" = String, Path, description = "The id of the app password.", example = "01jzc8m3f9xkq")
    ),
    responses((status = 204, description = "It is gone."), Problems)
)]
#[delete("/users/{address}/app-passwords/{id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<NoContent, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.sees(&login)?;
    let id: AppPasswordId = field::named("app password", &id)?;
    let directory = caller.directory(&house);
    house
        .run(|_| async move {
            let key = login.key();
            caller.manages(&*directory.user(&key).await?)?;
            directory.remove_app_password(&key, id).await
        })
        .await?;
    Ok(NoContent)
}
