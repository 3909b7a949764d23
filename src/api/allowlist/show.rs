use actix_web::get;
use actix_web::web::{Data, Path};

use crate::api::access::{self, AccessEntry};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::model::access::AccessList;

/// Show an entry of the allowlist
///
/// The one of exactly this subject. For server administrators.
#[utoipa::path(
    operation_id = "show_allowlist_entry", tag = "defence", security(("bearer" = ["defence:read"])),
    params(("subject" = String, Path, description = "The network, its `/` escaped, the sender or the domain.", example = "example.org")),
    responses((status = 200, description = "The entry.", body = AccessEntry), Problems)
)]
#[get("/allowlist/{subject}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<AccessEntry>, Problem> {
    access::show(&caller, &house, AccessList::Allow, &path).await
}
