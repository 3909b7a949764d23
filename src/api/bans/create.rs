use actix_web::post;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Ban;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Created;
use crate::api::time::Time;
use crate::mail::defence::NewBan;
use crate::model::access;

/// A ban to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"network": "192.0.2.0/24", "reason": "guesses passwords"}))]
pub(in crate::api) struct BanCreate {
    /// An address or a network; of an IPv6 address its /64 is banned.
    #[schema(max_length = 100)]
    network: String,
    /// Why, for people.
    #[schema(max_length = 255)]
    reason: Option<String>,
    /// When it ends; absent: when it is deleted.
    expires_at: Option<Time>,
}

/// Ban a network
///
/// Connections from it are closed without a word before anything is read, on all nodes within seconds, and its requests here are refused.
/// Who is there already stays, but does not log in. What the allowlist or `defence.allow` has is not banned all the same. For server
/// administrators.
#[utoipa::path(
    operation_id = "create_ban", tag = "defence", security(("bearer" = ["defence:write"])), request_body = BanCreate,
    responses(
        (status = 201, description = "The new ban.", body = Ban, headers(("Location" = String, description = "Its path."))),
        Problems, BodyProblems
    )
)]
#[post("/bans")]
pub async fn handler(caller: Caller, house: Data<House>, Json(body): Json<BanCreate>) -> Result<Created<Ban>, Problem> {
    caller.server_admin()?;
    let new = NewBan {
        network: access::network_of(&body.network).map_err(|problem| field::invalid("network", problem))?,
        reason: field::text("reason", body.reason.unwrap_or_default())?,
        ends_at: body.expires_at.map(|time| time.0),
    };
    let defence = caller.defence(&house);
    let ban = house.run(|_| async move { defence.add_ban(new).await }).await?;
    Ok(Created::new("bans", &ban.network.to_string(), ban.into()))
}
