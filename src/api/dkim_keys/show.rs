use actix_web::get;
use actix_web::web::{Data, Path};

use super::DkimKey;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::model::address;
use crate::model::dkim::Selector;

/// Show a DKIM key
///
/// With the TXT record to publish. For server administrators, and administrators of the domain.
#[utoipa::path(
    operation_id = "show_dkim_key", tag = "domains", security(("bearer" = ["dkim:read"])),
    params(
        ("domain" = String, Path, description = "The name of the domain.", example = "example.test"),
        ("selector" = String, Path, description = "The name of the key.", example = "rsa-20261123")
    ),
    responses((status = 200, description = "The key.", body = DkimKey), Problems)
)]
#[get("/domains/{domain}/dkim-keys/{selector}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<Json<DkimKey>, Problem> {
    let name: address::Domain = field::named("domain", &path.0)?;
    caller.domain_admin(Some(&name))?;
    let selector: Selector = field::named("DKIM key", &path.1)?;
    let key = house.run(|house| async move { house.signing.key(&name, &selector).await }).await?;
    Ok(Json(key.into()))
}
