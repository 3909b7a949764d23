use actix_web::get;
use actix_web::web::Data;

use crate::api::access::{self, AccessEntryList, WhichEntries};
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::model::access::AccessList;

/// List the blocklist
///
/// Connections from its networks are closed without a word, and mail from its senders and domains is refused at MAIL FROM. For server administrators.
#[utoipa::path(
    operation_id = "list_blocklist", tag = "defence", security(("bearer" = ["defence:read"])), params(WhichEntries),
    responses((status = 200, description = "A page of entries.", body = AccessEntryList), Problems)
)]
#[get("/blocklist")]
pub async fn handler(caller: Caller, house: Data<House>, Query(which): Query<WhichEntries>) -> Result<Json<AccessEntryList>, Problem> {
    access::list(&caller, &house, AccessList::Block, which).await
}
