use actix_web::get;
use actix_web::web::{Data, Path};

use super::QueuedMessage;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::model::ids::MailId;

/// Show a message of the queue
///
/// With what became of each recipient. For server administrators.
#[utoipa::path(
    operation_id = "show_queued", tag = "queue", security(("bearer" = ["queue:read"])),
    params(("queue_id" = String, Path, description = "The id of the message.", example = "01jzc8m3f9xkq")),
    responses((status = 200, description = "The message.", body = QueuedMessage), Problems)
)]
#[get("/queue/{queue_id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<QueuedMessage>, Problem> {
    caller.server_admin()?;
    let id: MailId = field::named("message in the queue", &path)?;
    let mail = house.run(|house| async move { house.queue.show(id).await }).await?;
    Ok(Json(mail.into()))
}
