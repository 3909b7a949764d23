use actix_web::post;
use actix_web::web::Data;

use crate::api::access::{self, AccessEntry, AccessEntryCreate};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Created;
use crate::model::access::AccessList;

/// Add to the allowlist
///
/// Its networks are never banned nor blocked, and mail of theirs, and of its senders and domains where their authenticity was proved, is not taken for spam. It holds on all nodes within seconds. For server administrators.
#[utoipa::path(
    operation_id = "create_allowlist_entry", tag = "defence", security(("bearer" = ["defence:write"])), request_body = AccessEntryCreate,
    responses(
        (status = 201, description = "The new entry.", body = AccessEntry, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[post("/allowlist")]
pub async fn handler(caller: Caller, house: Data<House>, Json(body): Json<AccessEntryCreate>) -> Result<Created<AccessEntry>, Problem> {
    access::create(&caller, &house, AccessList::Allow, body).await
}
