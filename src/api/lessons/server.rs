use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, post};

use super::{Lesson, LessonQuery, meant, message};
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::house::House;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Octets;
use crate::mail::spam::Owner;

/// Teach the server
///
/// The spam engine learns the words of a message as those of spam or of other mail, for all users, however much of that kind it has learned
/// before. A message is learned once; sent as the other kind it is learned anew. Where rspamd judges, it is taught. For server
/// administrators.
#[utoipa::path(
    operation_id = "teach_server", tag = "spam", security(("bearer" = ["server:write"])),
    request_body(content = inline(Octets), content_type = "message/rfc822", description = "The message."),
    params(LessonQuery),
    responses((status = 200, description = "What came of it.", body = Lesson), Problems, BodyProblems)
)]
#[post("/lessons")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    Query(query): Query<LessonQuery>,
    (request, payload): (HttpRequest, Payload),
) -> Result<Json<Lesson>, Problem> {
    caller.server_admin()?;
    let meant = meant(query.kind, true)?;
    let draft = message(&house, &request, payload).await?;
    let learnt = house.run(|house| async move { house.spam.learn_draft(draft, &[Owner::Server], meant).await });
    Ok(Json(Lesson::of_server(&learnt.await?)))
}
