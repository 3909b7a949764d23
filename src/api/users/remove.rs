use actix_web::delete;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::body::Query;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Conflict, Problem, Problems};
use crate::api::reply::NoContent;
use crate::mail::accounts;

/// How.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct How {
    /// True: with all of their mail at once, also if they were deleted before; this cannot be undone.
    purge: Option<bool>,
}

/// Delete a user
///
/// From now on they cannot log in, and mail for them is refused. They can be restored for `directory.keep_deleted_hours`; then, or at once
/// with `purge`, their mailboxes and messages are removed. Until then nobody else is given the address.
#[utoipa::path(
    operation_id = "delete_user", tag = "users", security(("bearer" = ["users:write"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test"), How),
    responses((status = 204, description = "The user is gone."), Problems, Conflict)
)]
#[delete("/users/{address}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>, Query(how): Query<How>) -> Result<NoContent, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.domain_admin(login.domain())?;
    let directory = caller.directory(&house);
    let purge = how.purge.unwrap_or(false);
    house
        .run(|house| async move {
            let key = login.key();
            if purge {
                caller.manages(&*directory.user_also_deleted(&key).await?)?;
                return accounts::purge(&directory, &house.mailboxes, &key).await.map(|_| ());
            }
            caller.manages(&*directory.user(&key).await?)?;
            accounts::remove(&directory, &house.mailboxes, &key).await.map(|_| ())
        })
        .await?;
    Ok(NoContent)
}
