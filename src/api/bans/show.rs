use actix_web::get;
use actix_web::web::{Data, Path};

use super::Ban;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};

/// Show a ban
///
/// The ban of exactly this network. For server administrators.
#[utoipa::path(
    operation_id = "show_ban", tag = "defence", security(("bearer" = ["defence:read"])),
    params(("network" = String, Path, description = "The network, its `/` escaped, or an address.", example = "192.0.2.7")),
    responses((status = 200, description = "The ban.", body = Ban), Problems)
)]
#[get("/bans/{network}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<Ban>, Problem> {
    caller.server_admin()?;
    let network = super::named(&path)?;
    let ban = house.run(|house| async move { house.defence.ban(network).await }).await?;
    Ok(Json(ban.into()))
}
