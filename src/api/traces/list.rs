use actix_web::get;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Trace;
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::page;
use crate::api::problem::{Kind, Problem, Problems};
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;

/// Which stories. One of them is needed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Which {
    /// Of messages from or to this address.
    #[param(example = "alice@example.test")]
    address: Option<String>,
    /// Of messages with this Message-ID, with or without its angle brackets.
    #[param(example = "<1@example.test>")]
    message_id: Option<String>,
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of stories.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct TraceList {
    /// The newest first.
    items: Vec<Trace>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Find the stories of messages
///
/// By an address or a Message-ID, the newest first, kept for `trace.keep_days`. A step is found a second or so after it happened. For server
/// administrators.
#[utoipa::path(
    operation_id = "list_traces", tag = "traces", security(("bearer" = ["traces:read"])), params(Which),
    responses((status = 200, description = "A page of stories.", body = TraceList), Problems)
)]
#[get("/traces")]
pub async fn handler(caller: Caller, house: Data<House>, Query(which): Query<Which>) -> Result<Json<TraceList>, Problem> {
    caller.server_admin()?;
    let page = page::bounds(which.limit, which.cursor)?;
    let word = match (which.address, which.message_id) {
        (Some(word), None) | (None, Some(word)) => word,
        _ => {
            let detail = "either address or message_id is needed, and not both";
            return Err(Problem::new(Kind::Malformed, detail).at("address"));
        }
    };
    let before: Option<MailId> = page
        .after
        .map(|cursor| cursor.parse().map_err(|_| page::bad_cursor()))
        .transpose()?;
    let found = house.run(|house| async move {
        let found = house.traces.find(&word, before, page.limit.saturating_add(1)).await?;
        let mut items = Vec::with_capacity(found.len());
        for id in found.iter().take(page.limit) {
            match house.traces.story(*id).await {
                Ok(story) => items.push(Trace::from(&story)),
                // Forgotten at this moment.
                Err(Refusal::NotFound { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let last = found.get(page.limit.saturating_sub(1));
        let next = last.filter(|_| found.len() > page.limit).map(MailId::to_string);
        Ok((items, next))
    });
    let (items, next_cursor) = found.await?;
    Ok(Json(TraceList { items, next_cursor }))
}
