use std::collections::BTreeMap;

use actix_web::get;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::api::time::Time;

/// The server.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "version": "0.1.0", "hostname": "mail.example.org", "started_at": "2026-11-23T20:19:30.125Z", "uptime_seconds": 86_400,
    "listeners": {"imaps": ["0.0.0.0:993"], "smtp": ["0.0.0.0:25"]},
    "limits": {"max_message_bytes": 52_428_800, "max_json_bytes": 1_048_576, "max_batch_items": 100_000, "requests_per_minute": 600_000}
}))]
pub(in crate::api) struct Server {
    /// The version of the program.
    version: &'static str,
    /// The name by which it calls itself.
    hostname: String,
    /// When it was started.
    started_at: Time,
    /// For how many seconds it has been running.
    uptime_seconds: u64,
    /// Where it listens, by the names of the configuration.
    listeners: BTreeMap<String, Vec<String>>,
    limits: Limits,
}

/// What it allows.
#[derive(Serialize, ToSchema)]
struct Limits {
    /// The most octets of a message.
    max_message_bytes: u64,
    /// The most octets of a JSON body.
    max_json_bytes: usize,
    /// The most items of a batch.
    max_batch_items: u64,
    /// The most requests of a caller in a minute; 0: any number.
    requests_per_minute: u64,
}

/// Show the server
///
/// What it is, where it listens, what it allows. For server administrators.
#[utoipa::path(
    operation_id = "show_server", tag = "server", security(("bearer" = ["server:read"])),
    responses((status = 200, description = "The server.", body = Server), Problems)
)]
#[get("/server")]
pub async fn handler(caller: Caller, house: Data<House>) -> Result<Json<Server>, Problem> {
    caller.server_admin()?;
    let about = &house.about;
    let uptime = jiff::Timestamp::now().duration_since(about.started_at);
    Ok(Json(Server {
        version: env!("CARGO_PKG_VERSION"),
        hostname: house.hostname.clone(),
        started_at: Time(about.started_at),
        uptime_seconds: u64::try_from(uptime.as_secs()).unwrap_or_default(),
        listeners: about.listeners.iter().cloned().collect(),
        limits: Limits {
            max_message_bytes: about.max_message_bytes,
            max_json_bytes: house.settings.max_json_bytes,
            max_batch_items: house.settings.max_batch_items,
            requests_per_minute: house.settings.requests_per_minute,
        },
    }))
}
