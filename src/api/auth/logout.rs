use actix_web::post;
use actix_web::web::Data;

use super::refresh::Refresh;
use crate::api::body::Json;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, OpenProblems, Problem};
use crate::api::reply::NoContent;

/// Log out
///
/// Ends the session of a refresh token: neither it nor the access tokens of the session are good any more. A token that is not known has
/// ended already.
#[utoipa::path(
    operation_id = "logout", tag = "auth", security(()), request_body = Refresh,
    responses((status = 204, description = "The session is over."), OpenProblems, BodyProblems)
)]
#[post("/auth/logout")]
pub async fn handler(house: Data<House>, Json(body): Json<Refresh>) -> Result<NoContent, Problem> {
    house
        .run(|house| async move { house.directory.logout(body.refresh_token.expose()).await })
        .await?;
    Ok(NoContent)
}
