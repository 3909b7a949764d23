use actix_web::delete;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::NoContent;
use crate::model::account::AliasAddress;

/// Delete an alias
///
/// Mail for the address is refused from now on, unless something else answers to it.
#[utoipa::path(
    operation_id = "delete_alias", tag = "aliases", security(("bearer" = ["aliases:write"])),
    params(("address" = String, Path, description = "The address of the alias, or `@domain`.", example = "info@example.test")),
    responses((status = 204, description = "It is gone."), Problems)
)]
#[delete("/aliases/{address}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<NoContent, Problem> {
    let address: AliasAddress = field::named("alias", &path)?;
    caller.domain_admin(field::domain_of_alias(&address))?;
    let directory = caller.directory(&house);
    house.run(|_| async move { directory.remove_alias(&address).await }).await?;
    Ok(NoContent)
}
