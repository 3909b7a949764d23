//! For those who watch the server: is it alive, can it work?

use std::time::Duration;

use actix_web::get;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Json;
use super::house::House;
use super::problem::{Problem, ReadyProblems};
use crate::model::refusal::Refusal;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// All is well.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"status": "ok"}))]
pub(super) struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Is the server alive?
///
/// Answers as long as the program runs.
#[utoipa::path(
    operation_id = "health_live", tag = "health", security(()),
    responses((status = 200, description = "It is.", body = Health))
)]
#[get("/health/live")]
pub async fn live() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Can the server do its work?
///
/// Asks the database.
#[utoipa::path(
    operation_id = "health_ready", tag = "health", security(()),
    responses((status = 200, description = "It can.", body = Health), ReadyProblems)
)]
#[get("/health/ready")]
pub async fn ready(house: Data<House>) -> Result<Json<Health>, Problem> {
    let asked = house.run(|house| async move {
        let answer = tokio::time::timeout(PATIENCE, (house.ready)()).await;
        answer.unwrap_or_else(|_| Err("no answer in time".to_owned())).map_err(|reason| {
            tracing::warn!(reason, "not ready");
            Refusal::LATER
        })
    });
    asked.await.map(|()| Json(Health { status: "ok" }))
}
