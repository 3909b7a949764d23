use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, post};

use serde::Deserialize;
use utoipa::IntoParams;

use super::{Lesson, LessonKind, meant, message};
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::mailboxes::owner;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::api::reply::Octets;

/// What a message that is sent here is, and who learns it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct UserLessonQuery {
    /// What it is.
    // Whether it is there is looked at behind the right to ask at all.
    #[param(value_type = LessonKind, required = true, example = "spam")]
    kind: Option<LessonKind>,
    /// Whether the user alone learns it, and not the server too; `false` if absent.
    alone: Option<bool>,
}

/// Teach by a message
///
/// The spam engine learns the words of a message as those of spam or of other mail, for the user, and for the server too unless
/// `spam.bayes_users_teach_all` is off. The message is not stored. For the user and for server administrators.
#[utoipa::path(
    operation_id = "teach_user", tag = "spam", security(("bearer" = ["messages:write"])),
    request_body(content = inline(Octets), content_type = "message/rfc822", description = "The message."),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test"), UserLessonQuery),
    responses((status = 200, description = "What came of it.", body = Lesson), Problems, BodyProblems)
)]
#[post("/users/{address}/lessons")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Query(query): Query<UserLessonQuery>,
    (request, payload): (HttpRequest, Payload),
) -> Result<Json<Lesson>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.changes_mail(&login)?;
    let meant = meant(query.kind, false)?;
    // Who is not there is not taught, and need not be sent anything.
    let who = login.clone();
    house.run(|house| async move { owner(&house, &who).await }).await?;
    let draft = message(&house, &request, payload).await?;
    let learnt = house.run(|house| async move {
        let user = owner(&house, &login).await?;
        let mut owners = house.spam.taught_by(user.id);
        if query.alone == Some(true) {
            owners.truncate(1);
        }
        house.spam.learn_draft(draft, &owners, meant).await
    });
    Ok(Json(Lesson::of_user(&learnt.await?)))
}
