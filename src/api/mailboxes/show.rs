use actix_web::get;
use actix_web::web::{Data, Path};

use super::{Mailbox, located, shown};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::Tagged;
use crate::model::ids::MailboxId;

/// Show a mailbox
///
/// With its counts. For the user and for server administrators.
#[utoipa::path(
    operation_id = "show_mailbox", tag = "mailboxes", security(("bearer" = ["mailboxes:read"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("mailbox_id" = String, Path, description = "The id of the mailbox.", example = "01jzc8m3f9xkq")
    ),
    responses((status = 200, description = "The mailbox.", body = Mailbox), Problems)
)]
#[get("/users/{address}/mailboxes/{mailbox_id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<Tagged<Mailbox>, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.reads_mail(&login)?;
    let id: MailboxId = field::named("mailbox", &id)?;
    let found = house.run(|house| async move {
        let (user, info) = located(&house, &login, id).await?;
        shown(&house, &user, info).await
    });
    found.await
}
