use actix_web::get;
use actix_web::web::Data;

use crate::api::access::{self, AccessEntryList, WhichEntries};
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::model::access::AccessList;

/// List the allowlist
///
/// Its networks are never banned nor blocked, and mail of theirs, and of its senders and domains where their authenticity was proved, is not taken for spam. For server administrators.
#[utoipa::path(
    operation_id = "list_allowlist", tag = "defence", security(("bearer" = ["defence:read"])), params(WhichEntries),
    responses((status = 200, description = "A page of entries.", body = AccessEntryList), Problems)
)]
#[get("/allowlist")]
pub async fn handler(caller: Caller, house: Data<House>, Query(which): Query<WhichEntries>) -> Result<Json<AccessEntryList>, Problem> {
    access::list(&caller, &house, AccessList::Allow, which).await
}
