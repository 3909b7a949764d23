use actix_web::get;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Invalid, Problem, Problems};
use crate::api::time::Time;
use crate::mail::statistics::{Hour, Kind};

/// Which hours.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Which {
    /// From the hour of this moment on; the last 24 hours if absent.
    #[param(value_type = Option<Time>)]
    since: Option<Time>,
    /// To before the hour of this moment; to this hour if absent.
    #[param(value_type = Option<Time>)]
    until: Option<Time>,
}

/// What came and went in an hour.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "begins_at": "2026-11-23T20:00:00Z", "received": 120, "refused": 1, "stored": 130, "queued": 40, "sent": 38, "deferred": 3, "bounced": 1
}))]
pub(in crate::api) struct HourOfMail {
    begins_at: Time,
    /// Messages that came in.
    received: u64,
    /// Messages that were refused at their end.
    refused: u64,
    /// Messages that were stored for users, each user counted.
    stored: u64,
    /// Recipients on other servers that messages were queued for.
    queued: u64,
    /// Recipients on other servers that messages were delivered to.
    sent: u64,
    /// Attempts that were put off, for each recipient.
    deferred: u64,
    /// Recipients on other servers that it failed for.
    bounced: u64,
}

impl From<Hour> for HourOfMail {
    fn from(hour: Hour) -> Self {
        let count = |kind: Kind| hour.counts.get(&kind).copied().unwrap_or_default();
        Self {
            begins_at: Time(hour.begins_at),
            received: count(Kind::Received),
            refused: count(Kind::Refused),
            stored: count(Kind::Stored),
            queued: count(Kind::Queued),
            sent: count(Kind::Sent),
            deferred: count(Kind::Deferred),
            bounced: count(Kind::Bounced),
        }
    }
}

/// What came and went by the hour.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct MessageStats {
    /// Every hour, also those in which nothing happened; the oldest first.
    items: Vec<HourOfMail>,
}

/// Show messages by the hour
///
/// Of all nodes; what happened in the last second or so on others is not counted yet. At most 9600 hours at a time, kept for some two years.
/// For server administrators.
#[utoipa::path(
    operation_id = "show_message_stats", tag = "server", security(("bearer" = ["server:read"])), params(Which),
    responses((status = 200, description = "The hours.", body = MessageStats), Problems, Invalid)
)]
#[get("/stats/messages")]
pub async fn handler(caller: Caller, house: Data<House>, Query(which): Query<Which>) -> Result<Json<MessageStats>, Problem> {
    caller.server_admin()?;
    let (since, until) = (which.since.map(|time| time.0), which.until.map(|time| time.0));
    let hours = house.run(|house| async move { house.statistics.hours(since, until).await }).await?;
    Ok(Json(MessageStats {
        items: hours.into_iter().map(HourOfMail::from).collect(),
    }))
}
