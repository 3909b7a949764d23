use actix_web::delete;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::body::Query;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{Invalid, Problem, Problems};
use crate::api::reply::NoContent;
use crate::model::secret::Secret;

/// With what.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct With {
    /// A code of the app, or a recovery code: needed by a user who turns off their own, ignored for administrators of others.
    #[param(value_type = Option<String>, example = "287082")]
    code: Option<Secret>,
}

/// Turn the second factor off
///
/// For the user, with a code, and for administrators of their domain.
#[utoipa::path(
    operation_id = "delete_totp", tag = "totp", security(("bearer" = ["users:password"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test"), With),
    responses((status = 204, description = "It is off."), Problems, Invalid)
)]
#[delete("/users/{address}/totp")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>, Query(with): Query<With>) -> Result<NoContent, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let own = caller.oneself(&login).is_ok();
    let code = match (own, with.code) {
        (true, None) => return Err(field::invalid("code", "it is needed to turn off the own second factor")),
        (true, code) => code,
        (false, _) => None,
    };
    let directory = caller.directory(&house);
    house
        .run(|_| async move {
            let key = login.key();
            caller.manages(&*directory.user(&key).await?)?;
            directory.remove_second_factor(&key, code.as_ref().map(Secret::expose)).await
        })
        .await?;
    Ok(NoContent)
}
