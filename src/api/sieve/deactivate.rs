use actix_web::post;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::NoContent;

/// Make a filter script inactive
///
/// The user's mail is not filtered by any script of theirs any more; where another script is active, nothing changes. For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "deactivate_sieve_script", tag = "sieve", security(("bearer" = ["sieve:write"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("name" = String, Path, description = "The name of the script.", example = "main")
    ),
    responses((status = 204, description = "It is not active."), Problems)
)]
#[post("/users/{address}/sieve/{name}/deactivate")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<NoContent, Problem> {
    let (address, name) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.sees(&login)?;
    let done = house.run(|house| async move {
        let key = login.key();
        caller.manages(&*house.directory.user(&key).await?)?;
        let (script, ..) = house.filters.script(&key, &name).await?;
        match script.active {
            true => caller.filters(&house).activate_script(&key, None).await,
            false => Ok(()),
        }
    });
    done.await?;
    Ok(NoContent)
}
