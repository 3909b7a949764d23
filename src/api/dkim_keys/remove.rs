use actix_web::delete;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Conflict, Problem, Problems};
use crate::api::reply::NoContent;
use crate::model::address;
use crate::model::dkim::Selector;

/// Delete a DKIM key
///
/// For good. It must not be active. For server administrators, and administrators of the domain.
#[utoipa::path(
    operation_id = "delete_dkim_key", tag = "domains", security(("bearer" = ["dkim:write"])),
    params(
        ("domain" = String, Path, description = "The name of the domain.", example = "example.test"),
        ("selector" = String, Path, description = "The name of the key.", example = "rsa-20261123")
    ),
    responses((status = 204, description = "It is gone."), Problems, Conflict)
)]
#[delete("/domains/{domain}/dkim-keys/{selector}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<NoContent, Problem> {
    let name: address::Domain = field::named("domain", &path.0)?;
    caller.domain_admin(Some(&name))?;
    let selector: Selector = field::named("DKIM key", &path.1)?;
    let actor = caller.actor();
    house
        .run(|house| async move { house.signing.remove(&name, &selector, &actor).await })
        .await?;
    Ok(NoContent)
}
