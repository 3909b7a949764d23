use actix_web::delete;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::NoContent;

/// Lift a ban
///
/// Connections are taken again, on all nodes within seconds; that there was a ban is forgotten. For server administrators.
#[utoipa::path(
    operation_id = "delete_ban", tag = "defence", security(("bearer" = ["defence:write"])),
    params(("network" = String, Path, description = "The network, its `/` escaped, or an address.", example = "192.0.2.7")),
    responses((status = 204, description = "It is gone."), Problems)
)]
#[delete("/bans/{network}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<NoContent, Problem> {
    caller.server_admin()?;
    let network = super::named(&path)?;
    let defence = caller.defence(&house);
    house.run(|_| async move { defence.remove_ban(network).await }).await?;
    Ok(NoContent)
}
