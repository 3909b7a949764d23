use actix_web::post;
use actix_web::web::Data;

use crate::api::access::{self, AccessEntry, AccessEntryCreate};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Created;
use crate::model::access::AccessList;

/// Add to the blocklist
///
/// Connections from its networks are closed without a word, and mail from its senders and domains is refused at MAIL FROM. It holds on all nodes within seconds. For server administrators.
#[utoipa::path(
    operation_id = "create_blocklist_entry", tag = "defence", security(("bearer" = ["defence:write"])), request_body = AccessEntryCreate,
    responses(
        (status = 201, description = "The new entry.", body = AccessEntry, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[post("/blocklist")]
pub async fn handler(caller: Caller, house: Data<House>, Json(body): Json<AccessEntryCreate>) -> Result<Created<AccessEntry>, Problem> {
    access::create(&caller, &house, AccessList::Block, body).await
}
