use actix_web::http::header::ACCEPT;
use actix_web::web::Data;
use actix_web::{Either, HttpRequest, HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Event, stream};
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::page;
use crate::api::problem::{Kind, Problem, Problems};
use crate::api::time::Time;
use crate::mail::events::EventFilter;
use crate::model::event::EventKind;

/// The longest list of kinds.
const LONGEST: usize = 1_000;

/// Which events.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct WhichEvents {
    /// Only those of these kinds, with commas between; `message.*` is all that begin so.
    #[param(example = "message.stored,user.*", max_length = 1000)]
    kinds: Option<String>,
    /// Only those in this domain.
    #[param(example = "example.test")]
    domain: Option<String>,
    /// Only those from this moment on.
    #[param(value_type = Option<Time>)]
    since: Option<Time>,
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before; or the `id` of the last event that is known, to hear of those after it.
    cursor: Option<String>,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct EventList {
    /// The oldest first.
    items: Vec<Event>,
    /// Asks for the next page; absent on the last. Until there are new events, the `id` of the last one is what to go on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List events, or listen to them
///
/// What happened to messages, users, domains and aliases, and which logins failed; the oldest first, kept for `events.keep_days`. An
/// administrator of a domain hears of what happens in it.
///
/// With `Accept: text/event-stream` the answer is a stream of server-sent events that goes on with what happens from now on, within a second:
/// each has the `id` of the event, its kind as `event`, and as `data` what the list shows of it. Where a stream broke off, the next one goes on
/// after the id that `Last-Event-ID` or `cursor` names, if it is not too old. Comments keep the connection alive. The stream ends when the
/// server stops, and when the token is no longer good.
#[utoipa::path(
    operation_id = "list_events", tag = "events", security(("bearer" = ["events:read"])), params(WhichEvents),
    responses((status = 200, description = "A page of events.", body = EventList), Problems)
)]
#[get("/events")]
pub async fn handler(
    request: HttpRequest,
    caller: Caller,
    house: Data<House>,
    Query(which): Query<WhichEvents>,
) -> Result<Either<Json<EventList>, HttpResponse>, Problem> {
    let page = page::bounds(which.limit, which.cursor)?;
    let domain = which.domain.map(|text| field::named("domain", &text)).transpose()?;
    let filter = EventFilter {
        domains: caller.visible(domain)?,
        kinds: field::filter("kinds", which.kinds, LONGEST)?.map_or_else(|| Ok(Vec::new()), |text| kinds(&text))?,
        since: which.since.map(|time| time.0),
    };
    let after: Option<i64> = page.after.map(|cursor| number(&cursor).ok_or_else(page::bad_cursor)).transpose()?;
    if wants_stream(&request) {
        let last = request.headers().get("last-event-id").and_then(|id| number(id.to_str().ok()?));
        return stream::open(&request, &house, filter, last.or(after)).await.map(Either::Right);
    }
    let after = after.unwrap_or(0);
    let found = house
        .run_while_asked(|house| async move { house.events.list(&filter, after, page.limit).await })
        .await?;
    Ok(Either::Left(Json(EventList {
        items: found.items.into_iter().map(Event::from).collect(),
        next_cursor: found.next,
    })))
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number| *number >= 0)
}

/// Whether the client asks for a stream before all else (RFC 9110 §12.5.1).
fn wants_stream(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let first = accept.and_then(|accept| accept.split([',', ';']).next());
    first.is_some_and(|media| media.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The kinds that a list names.
pub(in crate::api) fn kinds(text: &str) -> Result<Vec<EventKind>, Problem> {
    let mut all = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let found = named(name).map_err(|detail| Problem::new(Kind::Malformed, detail).at("kinds"))?;
        all.extend(found);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// A kind by its name, or all of a family.
fn named(name: &str) -> Result<Vec<EventKind>, String> {
    let Some(family) = name.strip_suffix(".*") else {
        return name.parse().map(|kind| vec![kind]);
    };
    let of_family = |kind: &&EventKind| kind.as_str().split('.').next() == Some(family);
    let found: Vec<EventKind> = EventKind::ALL.iter().filter(of_family).copied().collect();
    match found.is_empty() {
        true => Err(format!("there are no events {family}.*")),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_alone_and_by_family() {
        assert_eq!(
            kinds("user.created, quota.*,quota.near").unwrap(),
            [EventKind::QuotaNear, EventKind::QuotaExceeded, EventKind::UserCreated]
        );
        assert_eq!(kinds("").unwrap(), []);
        for wrong in ["user", "user.*x", "nobody.*", "*"] {
            assert!(kinds(wrong).is_err(), "{wrong}");
        }
    }
}
