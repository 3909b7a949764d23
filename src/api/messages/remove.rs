use actix_web::delete;
use actix_web::web::{Data, Path};

use super::id::MessageId;
use super::{gone, located};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::NoContent;
use crate::model::ids::ModSeq;
use crate::model::refusal::Refusal;

/// Delete a message
///
/// For good; to put it into the trash, change its mailbox. For the user and for server administrators.
#[utoipa::path(
    operation_id = "delete_message", tag = "messages", security(("bearer" = ["messages:write"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("message_id" = String, Path, description = "The id of the message.", example = "01jzc8m3f9xkq-17")
    ),
    responses((status = 204, description = "The message is gone."), Problems)
)]
#[delete("/users/{address}/messages/{message_id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<NoContent, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.changes_mail(&login)?;
    let id: MessageId = field::named("message", &id)?;
    let expected = caller.expected();
    house
        .run(|house| async move {
            let found = located(&house, &login, id).await?;
            expected.check(Some(found.revision()))?;
            let unchanged_since = if expected.is.is_some() {
                found.meta.modseq
            } else {
                ModSeq(u64::MAX)
            };
            match found.mailbox.remove_unchanged(id.uid, unchanged_since).await? {
                true => Ok(()),
                false if found.mailbox.message(id.uid).is_some() => Err(Refusal::Changed),
                false => Err(gone(id)),
            }
        })
        .await?;
    Ok(NoContent)
}
