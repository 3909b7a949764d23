use actix_web::get;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppPassword;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};

/// The app passwords of a user.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct AppPasswordList {
    /// The oldest first.
    items: Vec<AppPassword>,
}

/// List app passwords
///
/// Without their secrets. For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "list_app_passwords", tag = "app-passwords", security(("bearer" = ["users:read"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "The app passwords.", body = AppPasswordList), Problems)
)]
#[get("/users/{address}/app-passwords")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<AppPasswordList>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let found = house
        .run(|house| async move { house.directory.app_passwords(&login.key()).await })
        .await?;
    Ok(Json(AppPasswordList {
        items: found.into_iter().map(AppPassword::from).collect(),
    }))
}
