use actix_web::get;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::time::Time;

/// How the second factor of a user stands.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"enabled": true, "since": "2026-11-23T20:19:30.125Z", "recovery_codes": 9}))]
pub(in crate::api) struct SecondFactor {
    /// Whether it is on.
    enabled: bool,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Time>,
    /// How many recovery codes are left.
    recovery_codes: usize,
}

/// Show the second factor
///
/// Whether it is on. For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "show_totp", tag = "totp", security(("bearer" = ["users:read"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "How it stands.", body = SecondFactor), Problems)
)]
#[get("/users/{address}/totp")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<SecondFactor>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let found = house
        .run(|house| async move { house.directory.second_factor(&login.key()).await })
        .await?;
    Ok(Json(SecondFactor {
        enabled: found.since.is_some(),
        since: found.since.map(Time),
        recovery_codes: found.recovery_codes,
    }))
}
