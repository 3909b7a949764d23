use actix_web::post;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SieveProblem;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};

/// A script to look at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"content": "keep;"}))]
pub(in crate::api) struct SieveCheck {
    /// The script, in the language of RFC 5228.
    content: String,
}

/// What is wrong with a script.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"valid": true, "problems": []}))]
pub(in crate::api) struct SieveChecked {
    /// Whether nothing is.
    valid: bool,
    /// All mistakes.
    problems: Vec<SieveProblem>,
}

/// Check a filter script
///
/// Says all mistakes of a script, each with its line and column, and stores nothing. What it includes are the scripts of the user. For the
/// user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "check_sieve_script", tag = "sieve", security(("bearer" = ["sieve:read"])), request_body = SieveCheck,
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "What is wrong with it.", body = SieveChecked), Problems, BodyProblems)
)]
#[post("/users/{address}/sieve/check")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Json(body): Json<SieveCheck>,
) -> Result<Json<SieveChecked>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let checked = house.run(|house| async move { house.filters.check_script(&login.key(), "script", body.content.as_bytes()).await });
    let problems = checked.await?;
    Ok(Json(SieveChecked {
        valid: problems.is_empty(),
        problems: problems.into_iter().map(SieveProblem::from).collect(),
    }))
}
