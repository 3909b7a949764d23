use actix_web::get;
use actix_web::web::{Data, Path};

use super::{Submission, SubmissionRecipient, without_brackets};
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field::{self, Login, not_found};
use crate::api::house::House;
use crate::api::mailboxes::owner;
use crate::api::problem::{Problem, Problems};
use crate::api::time::Time;
use crate::mail::traces::{Fate, fates};
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;
use crate::model::trace::{Received, Step, Story};

/// Show what became of a message that was sent
///
/// For each recipient (the first 20), as long as the stories of messages are kept (`trace.keep_days`). Also of what the user sent over SMTP.
/// For the user and for server administrators.
#[utoipa::path(
    operation_id = "show_submission", tag = "submissions", security(("bearer" = ["messages:send"])),
    params(
        ("address" = String, Path, description = "The address of the user.", example = "alice@example.test"),
        ("submission_id" = String, Path, description = "The id of the submission.", example = "01jzc8m3f9xkq")
    ),
    responses((status = 200, description = "What became of it so far.", body = Submission), Problems)
)]
#[get("/users/{address}/submissions/{submission_id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<(String, String)>) -> Result<Json<Submission>, Problem> {
    let (address, name) = path.into_inner();
    let login: Login = field::named("user", &address)?;
    caller.sends_mail(&login)?;
    let id: MailId = field::named("submission", &name)?;
    let found = house.run(|house| async move {
        let user = owner(&house, &login).await?;
        match house.traces.story(id).await {
            Ok(story) => Ok(shown(&story, &user.login)),
            Err(Refusal::NotFound { .. }) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    });
    found.await?.map(Json).ok_or_else(|| not_found("submission", &name))
}

/// What the story tells, if it begins with this user.
fn shown(story: &Story, login: &str) -> Option<Submission> {
    let received = story.events.iter().find_map(|event| match &event.step {
        Step::Received(received) => Some((event.at(), received)),
        _ => None,
    });
    let is_theirs = |received: &Received| received.user.as_deref().is_some_and(|user| user.eq_ignore_ascii_case(login));
    let (at, received) = received.filter(|(_, received)| is_theirs(received))?;
    let was_queued = story.events.iter().any(|event| matches!(event.step, Step::Queued { .. }));
    let recipient = |fate: Fate| SubmissionRecipient {
        address: fate.recipient,
        state: fate.state.into(),
        detail: fate.detail,
    };
    Some(Submission {
        id: story.id.to_string(),
        message_id: received.message_id.as_deref().map(without_brackets),
        sender: received.sender.clone(),
        submitted_at: Time(at),
        queue_id: was_queued.then(|| story.id.to_string()),
        recipients: fates(story).into_iter().map(recipient).collect(),
        saved_message_id: None,
    })
}
