use actix_web::delete;
use actix_web::web::{Data, Path};

use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Conflict, Problem, Problems};
use crate::api::reply::NoContent;
use crate::mail::accounts;

/// Delete a user
///
/// With their mailboxes and messages. This cannot be undone.
#[utoipa::path(
    operation_id = "delete_user", tag = "users", security(("bearer" = [])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 204, description = "The user is gone."), Problems, Conflict)
)]
#[delete("/users/{address}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<NoContent, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.domain_admin(login.domain())?;
    let directory = caller.directory(&house);
    house
        .run(|house| async move {
            let key = login.key();
            caller.manages(&*directory.user(&key).await?)?;
            accounts::remove(&directory, &house.mailboxes, &key).await.map(|_| ())
        })
        .await?;
    Ok(NoContent)
}
