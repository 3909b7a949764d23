use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Tokens;
use crate::api::body::Json;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, OpenProblems, Problem};
use crate::model::secret::Secret;

/// A login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "admin", "password": "correct horse battery staple"}))]
pub(in crate::api) struct Login {
    /// A mail address, or the name of an administrator without a mailbox.
    username: String,
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: Secret,
    /// The code of the second factor, or a recovery code, where one is on.
    #[schema(value_type = Option<String>)]
    code: Option<Secret>,
}

/// Log in
///
/// Gives an access token for `Authorization: Bearer`, and a refresh token to get the next one with. Where a second factor is on, its code is
/// needed too: without one the answer is 401 with the type `code-needed`.
#[utoipa::path(
    operation_id = "login", tag = "auth", security(()), request_body = Login,
    responses((status = 200, description = "The tokens.", body = Tokens), OpenProblems, BodyProblems)
)]
#[post("/auth/login")]
pub async fn handler(request: HttpRequest, house: Data<House>, Json(body): Json<Login>) -> Result<Json<Tokens>, Problem> {
    let from = request.peer_addr().map(|peer| peer.ip());
    let tokens = house
        .run(|house| async move {
            let code = body.code.as_ref().map(Secret::expose);
            house.directory.login(&body.username, &body.password, code, from).await
        })
        .await?;
    Ok(Json(tokens.into()))
}
