use actix_web::get;
use actix_web::web::{Data, Path};

use super::User;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::Tagged;

/// Show a user
///
/// With how full their mailboxes are. For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "show_user", tag = "users", security(("bearer" = ["users:read"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "The user.", body = User), Problems)
)]
#[get("/users/{address}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Tagged<User>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let found = house.run(|house| async move {
        let user = house.directory.user(&login.key()).await?;
        let usage = house.mailboxes.usage(&user).await?;
        Ok((user, usage))
    });
    let (user, usage) = found.await?;
    Ok(Tagged(user.revision(), User::with_usage(&user, usage)))
}
