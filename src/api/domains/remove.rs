use actix_web::delete;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Conflict, Problem, Problems};
use crate::api::reply::NoContent;
use crate::model::address;

/// Delete a domain
///
/// Its users and aliases must be gone before.
#[utoipa::path(
    operation_id = "delete_domain", tag = "domains", security(("bearer" = ["domains:write"])),
    params(("domain" = String, Path, description = "The name of the domain.", example = "example.test")),
    responses((status = 204, description = "It is gone."), Problems, Conflict)
)]
#[delete("/domains/{domain}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<NoContent, Problem> {
    caller.server_admin()?;
    let name: address::Domain = field::named("domain", &path)?;
    let directory = caller.directory(&house);
    house.run(|_| async move { directory.remove_domain(&name).await }).await?;
    Ok(NoContent)
}
