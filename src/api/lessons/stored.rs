use actix_web::post;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Lesson, LessonKind};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::mailboxes::owner;
use crate::api::messages::MessageId;
use crate::api::problem::{BodyProblems, Problem, Problems};
use crate::mail::spam::Meant;
use crate::model::refusal::Refusal;

/// What a stored message is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "spam"}))]
pub(in crate::api) struct LessonCreate {
    /// What it is.
    kind: LessonKind,
}

/// Teach by a stored message
///
/// The spam engine learns the words of a message of the user's as those of spam or of other mail, for the user, and for the server too unless
/// `spam.bayes_users_teach_all` is off. The message stays where it is: moving it into the mailbox for junk, or out of it, teaches the same.
/// For the user and for server administrators.
#[utoipa::path(
    operation_id = "teach_message", tag = "spam", security(("bearer" = ["messages:write"])), request_body = LessonCreate,
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("message_id" = String, Path, description = "The id of the message.", example = "01jzc8m3f9xkq-17")
    ),
    responses((status = 200, description = "What came of it.", body = Lesson), Problems, BodyProblems)
)]
#[post("/users/{address}/messages/{message_id}/lessons")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<(String, String)>,
    Json(body): Json<LessonCreate>,
) -> Result<Json<Lesson>, Problem> {
    let (address, id) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.changes_mail(&login)?;
    let id: MessageId = field::named("message", &id)?;
    let meant = Meant {
        is_spam: body.kind == LessonKind::Spam,
        by_hand: false,
    };
    let gone = move || Refusal::NotFound {
        what: "message",
        name: id.to_string(),
    };
    let learnt = house.run(|house| async move {
        let user = owner(&house, &login).await?;
        let mailbox = match house.mailboxes.open_id(&user, id.mailbox).await {
            Err(Refusal::NotFound { .. }) => return Err(gone()),
            opened => opened?,
        };
        let learnt = house
            .spam
            .learn_stored(&mailbox, id.uid, (&house.spam.taught_by(user.id), meant))
            .await?;
        learnt.ok_or_else(gone)
    });
    Ok(Json(Lesson::of_user(&learnt.await?)))
}
