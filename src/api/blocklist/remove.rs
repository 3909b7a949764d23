use actix_web::delete;
use actix_web::web::{Data, Path};

use crate::api::access;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::NoContent;
use crate::model::access::AccessList;

/// Remove from the blocklist
///
/// It holds no more, on all nodes within seconds. For server administrators.
#[utoipa::path(
    operation_id = "delete_blocklist_entry", tag = "defence", security(("bearer" = ["defence:write"])),
    params(("subject" = String, Path, description = "The network, its `/` escaped, the sender or the domain.", example = "example.org")),
    responses((status = 204, description = "It is gone."), Problems)
)]
#[delete("/blocklist/{subject}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<NoContent, Problem> {
    access::remove(&caller, &house, AccessList::Block, &path).await
}
