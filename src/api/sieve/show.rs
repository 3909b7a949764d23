use actix_web::get;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::SieveScript;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::Tagged;

/// A script with its text.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct SieveScriptWithContent {
    #[serde(flatten)]
    about: SieveScript,
    /// The script.
    #[schema(example = "require \"fileinto\";\r\nif header :contains \"List-Id\" \"dev\" { fileinto \"Lists\"; }\r\n")]
    content: String,
}

/// Show a filter script
///
/// With its text. For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "show_sieve_script", tag = "sieve", security(("bearer" = ["sieve:read"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("name" = String, Path, description = "The name of the script.", example = "main")
    ),
    responses((status = 200, description = "The script.", body = SieveScriptWithContent), Problems)
)]
#[get("/users/{address}/sieve/{name}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<Tagged<SieveScriptWithContent>, Problem> {
    let (address, name) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.sees(&login)?;
    let found = house.run(|house| async move { house.filters.script(&login.key(), &name).await });
    let (script, text, revision) = found.await?;
    let shown = SieveScriptWithContent {
        about: script.into(),
        content: String::from_utf8_lossy(&text).into_owned(),
    };
    Ok(Tagged(revision, shown))
}
