use actix_web::get;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::Certificate;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};

/// The certificates of the server.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CertificateList {
    /// The default first.
    items: Vec<Certificate>,
}

/// List the certificates of the server
///
/// Those that clients are shown on this node, with what there is to say against newer ones in their files. For server administrators.
#[utoipa::path(
    operation_id = "list_certificates", tag = "server", security(("bearer" = ["server:read"])),
    responses((status = 200, description = "The certificates.", body = CertificateList), Problems)
)]
#[get("/certificates")]
pub async fn handler(caller: Caller, house: Data<House>) -> Result<Json<CertificateList>, Problem> {
    caller.server_admin()?;
    let all = house.certificates.list();
    Ok(Json(CertificateList {
        items: all.into_iter().map(Certificate::from).collect(),
    }))
}
