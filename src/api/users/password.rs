use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, put};
use serde::Deserialize;
use utoipa::ToSchema;

use super::new_password;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::NoContent;
use crate::mail::directory::Visit;
use crate::model::login::Protocol;
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "correct horse battery staple", "current_password": "the one before"}))]
pub(in crate::api) struct PasswordPut {
    /// The new password.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Secret>,
    /// Instead of the password: its hash. Only for administrators.
    #[schema(value_type = Option<String>)]
    password_hash: Option<Secret>,
    /// The old password: needed by a user who changes their own, ignored for administrators.
    #[schema(value_type = Option<String>, format = Password)]
    current_password: Option<Secret>,
}

/// Set a password
///
/// For the user, who must know the old one, and for administrators of their domain.
#[utoipa::path(
    operation_id = "set_password", tag = "users", security(("bearer" = ["users:password"])), request_body = PasswordPut,
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test")),
    responses((status = 204, description = "The password is set."), Problems, BodyProblems)
)]
#[put("/users/{address}/password")]
pub async fn handler(
    request: HttpRequest,
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Json(body): Json<PasswordPut>,
) -> Result<NoContent, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sees(&login)?;
    let proof = match (caller.must_know_password(&login), body.current_password) {
        (false, _) => None,
        (true, None) => return Err(field::invalid("current_password", "it is needed to change the own password")),
        (true, Some(_)) if body.password_hash.is_some() => {
            return Err(field::invalid("password_hash", "only an administrator may give a hash"));
        }
        (true, Some(current)) => Some(current),
    };
    let missing = || field::invalid("password", "missing field `password`");
    let password = new_password(body.password, body.password_hash)?.ok_or_else(missing)?;
    let visit = Visit {
        protocol: Protocol::Api,
        from: request.peer_addr().map(|peer| peer.ip()),
    };
    let directory = caller.directory(&house);
    house
        .run(|_| async move {
            let key = login.key();
            caller.manages(&*directory.user(&key).await?)?;
            if let Some(proof) = proof {
                directory.authenticate(&key, &proof, visit).await.map_err(wrong_proof)?;
            }
            directory.set_password(&key, password).await
        })
        .await?;
    Ok(NoContent)
}

/// The caller is who they are, so a wrong old password is no 401: it would make clients throw their token away.
fn wrong_proof(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::BadCredentials => Refusal::Invalid {
            field: "current_password",
            problem: "it is not the user's password".to_owned(),
        },
        refusal => refusal,
    }
}
