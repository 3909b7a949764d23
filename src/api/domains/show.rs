use actix_web::get;
use actix_web::web::{Data, Path};

use super::Domain;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::Tagged;
use crate::model::address;

/// Show a domain
///
/// For server administrators, and administrators of the domain.
#[utoipa::path(
    operation_id = "show_domain", tag = "domains", security(("bearer" = ["domains:read"])),
    params(("domain" = String, Path, description = "The name of the domain.", example = "example.test")),
    responses((status = 200, description = "The domain.", body = Domain), Problems)
)]
#[get("/domains/{domain}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Tagged<Domain>, Problem> {
    let name: address::Domain = field::named("domain", &path)?;
    caller.domain_admin(Some(&name))?;
    let record = house.run(|house| async move { house.directory.domain(&name).await }).await?;
    Ok(Tagged(record.revision(), record.into()))
}
