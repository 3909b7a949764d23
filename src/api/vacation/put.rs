use actix_web::put;
use actix_web::web::{Data, Path};

use super::Vacation;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::{Put, segment};
use crate::model::filter;

/// Set the vacation reply
///
/// From now on, or in the time that is given, senders of new mail get this reply. For the user, and for administrators of their domain.
#[utoipa::path(
    operation_id = "put_vacation", tag = "sieve", security(("bearer" = ["sieve:write"])), request_body = Vacation,
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses(
        (status = 200, description = "The replaced reply.", body = Vacation),
        (status = 201, description = "The new reply.", body = Vacation, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[put("/users/{address}/vacation")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>, Json(body): Json<Vacation>) -> Result<Put<Vacation>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let collection = format!("users/{}", segment(&login.key()));
    let put = house.run(|house| async move {
        let key = login.key();
        caller.manages(&*house.directory.user(&key).await?)?;
        let form = filter::Vacation::from(body);
        let placed = caller.filters(&house).put_absence(&key, &form, &caller.expected()).await?;
        Ok((placed, form))
    });
    let (placed, form) = put.await?;
    Ok(Put::new(placed.is_new, (&collection, "vacation"), placed.now, form.into()))
}
