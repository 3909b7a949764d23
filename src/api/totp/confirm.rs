use actix_web::post;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Once;
use crate::model::secret::Secret;

/// A code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "287082"}))]
pub(in crate::api) struct Code {
    /// The six digits that the app shows now.
    #[schema(value_type = String)]
    code: Secret,
}

/// Codes for who has lost their app, each good once.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"recovery_codes": ["k7mpq-x2hwd-9vsrt-fnb4e"]}))]
pub(in crate::api) struct RecoveryCodes {
    /// To be kept in a safe place: they are never shown again.
    recovery_codes: Vec<String>,
}

/// Confirm a second factor
///
/// With a code of the key that was made by enrolling. From now on a login to the API takes a code too, and mail clients log in with app
/// passwords only. The answer has the recovery codes, this once. Only for the user.
#[utoipa::path(
    operation_id = "confirm_totp", tag = "totp", security(("bearer" = ["users:password"])), request_body = Code,
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "It is on.", body = RecoveryCodes), Problems, BodyProblems)
)]
#[post("/users/{address}/totp/confirm")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Json(body): Json<Code>,
) -> Result<Once<Json<RecoveryCodes>>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.oneself(&login)?;
    let directory = caller.directory(&house);
    let codes = house
        .run(|_| async move { directory.confirm_second_factor(&login.key(), body.code.expose()).await })
        .await?;
    Ok(Once(Json(RecoveryCodes {
        recovery_codes: codes.iter().map(|code| code.expose().to_owned()).collect(),
    })))
}
