use actix_web::get;
use actix_web::web::{Data, Path};

use super::Alias;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::Tagged;
use crate::model::account::AliasAddress;

/// Show an alias
///
/// For administrators of its domain.
#[utoipa::path(
    operation_id = "show_alias", tag = "aliases", security(("bearer" = ["aliases:read"])),
    params(("address" = String, Path, description = "The address of the alias, or `@domain`.", example = "info@example.test")),
    responses((status = 200, description = "The alias.", body = Alias), Problems)
)]
#[get("/aliases/{address}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Tagged<Alias>, Problem> {
    let address: AliasAddress = field::named("alias", &path)?;
    caller.domain_admin(field::domain_of_alias(&address))?;
    let alias = house.run(|house| async move { house.directory.alias(&address).await }).await?;
    Ok(Tagged(alias.revision(), alias.into()))
}
