use actix_web::get;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Ban;
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::page;
use crate::api::problem::{Problem, Problems};

/// Which bans.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Which {
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of bans.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct BanList {
    /// By network.
    items: Vec<Ban>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List bans
///
/// Those that hold at this moment, on all nodes. For server administrators.
#[utoipa::path(
    operation_id = "list_bans", tag = "defence", security(("bearer" = ["defence:read"])), params(Which),
    responses((status = 200, description = "A page of bans.", body = BanList), Problems)
)]
#[get("/bans")]
pub async fn handler(caller: Caller, house: Data<House>, Query(which): Query<Which>) -> Result<Json<BanList>, Problem> {
    caller.server_admin()?;
    let page = page::bounds(which.limit, which.cursor)?;
    let found = house
        .run(|house| async move { house.defence.bans(page.after.as_deref(), page.limit).await })
        .await?;
    Ok(Json(BanList {
        items: found.items.into_iter().map(Ban::from).collect(),
        next_cursor: found.next,
    }))
}
