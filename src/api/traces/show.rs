use actix_web::get;
use actix_web::web::{Data, Path};

use super::Trace;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::model::ids::MailId;

/// Show the story of a message
///
/// Every step that is known, from its first octet to the last report. For server administrators.
#[utoipa::path(
    operation_id = "show_trace", tag = "traces", security(("bearer" = ["traces:read"])),
    params(("id" = String, Path, description = "The id of the message.", example = "01jzc8m3f9xkq")),
    responses((status = 200, description = "The story.", body = Trace), Problems)
)]
#[get("/traces/{id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<Trace>, Problem> {
    caller.server_admin()?;
    let id: MailId = field::named("story of a message", &path)?;
    let story = house.run(|house| async move { house.traces.story(id).await }).await?;
    Ok(Json(Trace::from(&story)))
}
