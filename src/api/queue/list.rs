use actix_web::get;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::{QueuedMessage, pick};
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::page;
use crate::api::problem::{Problem, Problems};
use crate::model::ids::MailId;

pick::query! {
    /// Which messages: those that have a recipient that all filters pick.
    Which {
        /// At most so many; 100 if absent.
        #[param(minimum = 1, maximum = 1000)]
        limit: Option<usize>,
        /// `next_cursor` of the page before.
        cursor: Option<String>,
    }
}

/// A page of the queue.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct QueueList {
    /// The oldest first.
    items: Vec<QueuedMessage>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List the queue
///
/// What waits to go out, the oldest first: the messages that have a recipient that all filters pick, with all their recipients. For server administrators.
#[utoipa::path(
    operation_id = "list_queue", tag = "queue", security(("bearer" = ["queue:read"])), params(Which),
    responses((status = 200, description = "A page of the queue.", body = QueueList), Problems)
)]
#[get("/queue")]
pub async fn handler(caller: Caller, house: Data<House>, Query(which): Query<Which>) -> Result<Json<QueueList>, Problem> {
    caller.server_admin()?;
    let filter = which.filter(&house)?;
    let page = page::bounds(which.limit, which.cursor)?;
    let after: Option<MailId> = page
        .after
        .map(|cursor| cursor.parse().map_err(|_| page::bad_cursor()))
        .transpose()?;
    // One more than asked for tells whether there is a next page.
    let mut found = house
        .run(|house| async move { house.queue.list(&filter, after, page.limit.saturating_add(1)).await })
        .await?;
    let more = found.len() > page.limit;
    found.truncate(page.limit);
    Ok(Json(QueueList {
        next_cursor: found.last().filter(|_| more).map(|last| last.id.to_string()),
        items: found.into_iter().map(QueuedMessage::from).collect(),
    }))
}
