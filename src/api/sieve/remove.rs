use actix_web::delete;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Conflict, Problem, Problems};
use crate::api::reply::NoContent;

/// Delete a filter script
///
/// Not the active one: make another one active, or none, before. For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "delete_sieve_script", tag = "sieve", security(("bearer" = ["sieve:write"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("name" = String, Path, description = "The name of the script.", example = "main")
    ),
    responses((status = 204, description = "It is gone."), Problems, Conflict)
)]
#[delete("/users/{address}/sieve/{name}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<NoContent, Problem> {
    let (address, name) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.sees(&login)?;
    let removed = house.run(|house| async move {
        let key = login.key();
        caller.manages(&*house.directory.user(&key).await?)?;
        caller.filters(&house).remove_script(&key, &name, &caller.expected()).await
    });
    removed.await?;
    Ok(NoContent)
}
