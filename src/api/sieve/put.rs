use actix_web::put;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::SieveScript;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Kind, Problem, Problems};
use crate::api::reply::{Put, segment};
use crate::mail::filter::NotKept;
use crate::model::refusal::Refusal;

/// A script as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"content": "require \"fileinto\";\r\nif header :contains \"List-Id\" \"dev\" { fileinto \"Lists\"; }\r\n"}))]
pub(in crate::api) struct SieveScriptPut {
    /// The script, in the language of RFC 5228.
    content: String,
}

/// Create or replace a filter script
///
/// A script that is wrong is refused with the place of its first mistake; `check` tells all. A new script is not active; one that is active
/// stays so. For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "put_sieve_script", tag = "sieve", security(("bearer" = ["sieve:write"])), request_body = SieveScriptPut,
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("name" = String, Path, description = "The name of the script.", example = "main")
    ),
    responses(
        (status = 200, description = "The replaced script.", body = SieveScript),
        (status = 201, description = "The new script.", body = SieveScript, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[put("/users/{address}/sieve/{name}")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<(String, String)>,
    Json(body): Json<SieveScriptPut>,
) -> Result<Put<SieveScript>, Problem> {
    let (address, name) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.sees(&login)?;
    let collection = format!("users/{}/sieve", segment(&login.key()));
    let put = house.run(|house| async move {
        let key = login.key();
        caller.manages(&*house.directory.user(&key).await?)?;
        let expected = caller.expected();
        match caller
            .filters(&house)
            .put_script(&key, &name, body.content.into_bytes(), &expected)
            .await
        {
            Ok(placed) => Ok(Ok(placed)),
            Err(NotKept::Wrong(problems)) => Ok(Err(problems)),
            Err(NotKept::NoRoom(no_room)) => Err(Refusal::LimitReached(no_room.to_string())),
            Err(NotKept::Refused(refusal)) => Err(refusal),
        }
    });
    let placed = put.await?.map_err(|problems| {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        Problem::new(Kind::Invalid, first).at("content")
    })?;
    let (script, revision) = placed.now;
    let name = script.name.clone();
    Ok(Put::new(placed.is_new, (&collection, &name), revision, script.into()))
}
