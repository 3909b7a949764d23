use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Tokens;
use crate::api::body::Json;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, OpenProblems, Problem};
use crate::model::secret::Secret;

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "0c2d5f7e8a"}))]
pub(in crate::api) struct Refresh {
    /// From the login, or from the last refresh.
    #[schema(value_type = String)]
    pub(super) refresh_token: Secret,
}

/// Get new tokens
///
/// Trades a refresh token for a new pair; the old refresh token is spent by this.
#[utoipa::path(
    operation_id = "refresh_tokens", tag = "auth", security(()), request_body = Refresh,
    responses((status = 200, description = "The new tokens.", body = Tokens), OpenProblems, BodyProblems)
)]
#[post("/auth/refresh")]
pub async fn handler(request: HttpRequest, house: Data<House>, Json(body): Json<Refresh>) -> Result<Json<Tokens>, Problem> {
    let from = request.peer_addr().map(|peer| peer.ip());
    let tokens = house
        .run(|house| async move { house.directory.refresh(body.refresh_token.expose(), from).await })
        .await?;
    Ok(Json(tokens.into()))
}
