use actix_web::delete;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::NoContent;

/// Delete the vacation reply
///
/// Nobody gets one any more. For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "delete_vacation", tag = "sieve", security(("bearer" = ["sieve:write"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 204, description = "It is gone."), Problems)
)]
#[delete("/users/{address}/vacation")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<NoContent, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let removed = house.run(|house| async move {
        let key = login.key();
        caller.manages(&*house.directory.user(&key).await?)?;
        caller.filters(&house).remove_absence(&key, &caller.expected()).await
    });
    removed.await?;
    Ok(NoContent)
}
