//! The same step for many recipients at a time: those that the query picks.

use actix_web::web::Data;
use actix_web::{delete, patch, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::change::QueuedPatch;
use super::pick::Picked;
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::model::queue::Steering;

/// How much was changed.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"recipients": 12}))]
pub(in crate::api) struct Changed {
    /// How many recipients were in a state in which this could be done with them.
    recipients: u64,
}

/// Hold or release many
///
/// All recipients that the query picks. At least one filter, or `all=true`, is needed. For server administrators.
#[utoipa::path(
    operation_id = "change_queue", tag = "queue", security(("bearer" = ["queue:write"])), params(Picked), request_body = QueuedPatch,
    responses((status = 200, description = "How many were changed.", body = Changed), Problems, BodyProblems)
)]
#[patch("/queue")]
pub async fn change(
    caller: Caller,
    house: Data<House>,
    Query(picked): Query<Picked>,
    Json(body): Json<QueuedPatch>,
) -> Result<Json<Changed>, Problem> {
    match body.steering() {
        Some(steering) => steer(&caller, &house, &picked, steering).await,
        None => {
            caller.server_admin()?;
            picked.read(&house).map(|_| Json(Changed { recipients: 0 }))
        }
    }
}

/// Try many now
///
/// All that waits and that the query picks; what is held stays so. At least one filter, or `all=true`, is needed. For server
/// administrators.
#[utoipa::path(
    operation_id = "retry_queue", tag = "queue", security(("bearer" = ["queue:write"])), params(Picked),
    responses((status = 200, description = "How many are tried now.", body = Changed), Problems)
)]
#[post("/queue/retry")]
pub async fn retry(caller: Caller, house: Data<House>, Query(picked): Query<Picked>) -> Result<Json<Changed>, Problem> {
    steer(&caller, &house, &picked, Steering::Retry).await
}

/// Give up many now
///
/// All that waits or is held and that the query picks fails, and the senders are told. At least one filter, or `all=true`, is needed.
/// What is being delivered at this moment is left alone. For server administrators.
#[utoipa::path(
    operation_id = "expire_queue", tag = "queue", security(("bearer" = ["queue:write"])), params(Picked),
    responses((status = 200, description = "How many were given up.", body = Changed), Problems)
)]
#[post("/queue/expire")]
pub async fn expire(caller: Caller, house: Data<House>, Query(picked): Query<Picked>) -> Result<Json<Changed>, Problem> {
    steer(&caller, &house, &picked, Steering::Expire).await
}

/// Drop many from the queue
///
/// All recipients that the query picks; a message without any left is gone. Nobody is told. At least one filter, or `all=true`, is
/// needed. For server administrators.
#[utoipa::path(
    operation_id = "delete_queue", tag = "queue", security(("bearer" = ["queue:write"])), params(Picked),
    responses((status = 200, description = "How many were dropped.", body = Changed), Problems)
)]
#[delete("/queue")]
pub async fn remove(caller: Caller, house: Data<House>, Query(picked): Query<Picked>) -> Result<Json<Changed>, Problem> {
    steer(&caller, &house, &picked, Steering::Remove).await
}

async fn steer(caller: &Caller, house: &Data<House>, picked: &Picked, steering: Steering) -> Result<Json<Changed>, Problem> {
    caller.server_admin()?;
    let filter = picked.read(house)?;
    let actor = caller.actor();
    let recipients = house
        .run(|house| async move { house.steer(&actor, &filter, steering).await })
        .await?;
    Ok(Json(Changed { recipients }))
}
