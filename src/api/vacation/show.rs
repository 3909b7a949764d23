use actix_web::get;
use actix_web::web::{Data, Path};

use super::Vacation;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::reply::Tagged;

/// Show the vacation reply
///
/// For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "show_vacation", tag = "sieve", security(("bearer" = ["sieve:read"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 200, description = "The reply.", body = Vacation), Problems)
)]
#[get("/users/{address}/vacation")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Tagged<Vacation>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let (form, revision) = house.run(|house| async move { house.filters.absence(&login.key()).await }).await?;
    Ok(Tagged(revision, form.into()))
}
