use actix_web::get;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::SieveScript;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};

/// The scripts of a user.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct SieveScriptList {
    /// By name.
    items: Vec<SieveScript>,
}

/// List filter scripts
///
/// Without their texts. At most one of them is active. For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "list_sieve_scripts", tag = "sieve", security(("bearer" = ["sieve:read"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "The scripts.", body = SieveScriptList), Problems)
)]
#[get("/users/{address}/sieve")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<SieveScriptList>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let scripts = house.run(|house| async move { house.filters.scripts(&login.key()).await }).await?;
    Ok(Json(SieveScriptList {
        items: scripts.into_iter().map(SieveScript::from).collect(),
    }))
}
