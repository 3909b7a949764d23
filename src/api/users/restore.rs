use actix_web::post;
use actix_web::web::{Data, Path};

use super::User;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Conflict, Problem, Problems};
use crate::api::reply::Tagged;

/// Restore a user
///
/// Takes a deletion back: the user has their password, mail and everything else again. Possible for `directory.keep_deleted_hours`.
#[utoipa::path(
    operation_id = "restore_user", tag = "users", security(("bearer" = ["users:write"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "The user.", body = User), Problems, Conflict)
)]
#[post("/users/{address}/restore")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Tagged<User>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.domain_admin(login.domain())?;
    let directory = caller.directory(&house);
    let user = house
        .run(|_| async move {
            let key = login.key();
            caller.manages(&*directory.user_also_deleted(&key).await?)?;
            directory.restore_user(&key).await
        })
        .await?;
    Ok(Tagged(user.revision(), User::from(&*user)))
}
