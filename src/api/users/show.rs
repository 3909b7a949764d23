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
/// For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "show_user", tag = "users", security(("bearer" = [])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "The user.", body = User), Problems)
)]
#[get("/users/{address}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Tagged<User>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let user = house.run(|house| async move { house.directory.user(&login.key()).await }).await?;
    Ok(Tagged(user.revision(), User::from(&*user)))
}
