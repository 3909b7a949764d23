use actix_web::get;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::DkimKey;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::model::address;

/// The DKIM keys of a domain.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct DkimKeyList {
    /// By selector.
    items: Vec<DkimKey>,
}

/// List DKIM keys
///
/// All of the domain, at most 50. For server administrators, and administrators of the domain.
#[utoipa::path(
    operation_id = "list_dkim_keys", tag = "domains", security(("bearer" = ["dkim:read"])),
    params(("domain" = String, Path, description = "The name of the domain.", example = "example.test")),
    responses((status = 200, description = "The keys.", body = DkimKeyList), Problems)
)]
#[get("/domains/{domain}/dkim-keys")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<DkimKeyList>, Problem> {
    let name: address::Domain = field::named("domain", &path)?;
    caller.domain_admin(Some(&name))?;
    let keys = house.run(|house| async move { house.signing.keys(&name).await }).await?;
    let items = keys.into_iter().map(DkimKey::from).collect();
    Ok(Json(DkimKeyList { items }))
}
