use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, post};
use serde::Deserialize;
use utoipa::IntoParams;

use super::find::{self, Hit};
use super::id::MessageId;
use super::marks::Marks;
use super::place::Place;
use super::summary::MessageSummary;
use super::{collection, gone};
use crate::api::body::{self, Media, Query};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::mailboxes::owner;
use crate::api::problem::{BodyProblems, Kind, Problem, Problems};
use crate::api::reply::{Created, Octets};
use crate::api::time::Time;
use crate::mail::mailbox::LineEnds;
use crate::model::refusal::Refusal;

/// Where a message goes, and how it is marked.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Import {
    /// The name of the mailbox; `INBOX` if neither this nor `mailbox_id` is there.
    #[param(example = "Archive")]
    mailbox: Option<String>,
    /// The id of the mailbox, instead of its name.
    mailbox_id: Option<String>,
    /// Whether it is seen.
    seen: Option<bool>,
    /// Whether it is flagged.
    flagged: Option<bool>,
    /// Whether it is answered.
    answered: Option<bool>,
    /// Whether it is a draft.
    draft: Option<bool>,
    /// Its keywords, with commas between them.
    #[param(example = "invoice,2026")]
    keywords: Option<String>,
    /// When it came in; now if absent.
    received_at: Option<Time>,
}

/// Import a message
///
/// Puts a message into a mailbox as it is: nobody is told, and no filter is asked. It is on stable storage when this answers. Bare line
/// feeds become CRLF. For the user and for server administrators.
#[utoipa::path(
    operation_id = "import_message", tag = "messages", security(("bearer" = ["messages:write"])),
    request_body(content = inline(Octets), content_type = "message/rfc822", description = "The message."),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test"), Import),
    responses(
        (status = 201, description = "The message.", body = MessageSummary, headers(("Location" = String, description = "Where it is."))),
        Problems, BodyProblems
    )
)]
#[post("/users/{address}/messages")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Query(import): Query<Import>,
    (request, payload): (HttpRequest, Payload),
) -> Result<Created<MessageSummary>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.changes_mail(&login)?;
    if body::media(&request) != Some(Media::Message) {
        return Err(Problem::new(Kind::WrongMediaType, "the body must be message/rfc822"));
    }
    body::check_length(&request, house.intake.max_size())?;
    let place = Place::read(Kind::Malformed, import.mailbox.as_deref(), import.mailbox_id.as_deref())?.unwrap_or_else(Place::inbox);
    let names = import
        .keywords
        .as_deref()
        .map(|names| names.split(',').map(|name| name.trim().to_owned()).collect());
    let marks = Marks {
        seen: import.seen,
        flagged: import.flagged,
        answered: import.answered,
        draft: import.draft,
        keywords: names,
        ..Marks::default()
    };
    let marks = marks.read()?;
    let collection = collection(&login);
    let (who, whose) = (login.clone(), place.clone());
    // Who may not have it stored need not send it.
    house
        .run(|house| async move { whose.open(&house, &*owner(&house, &who).await?).await })
        .await?;
    let mut draft = house.mailboxes.draft(LineEnds::Mended);
    body::stream(payload, async |octets| draft.write(octets).await).await?;
    let stored = house.run(|house| async move {
        if draft.size() == 0 {
            return Err(Refusal::BadMessage("the message is empty".to_owned()));
        }
        let user = owner(&house, &login).await?;
        let mailbox = place.open(&house, &user).await?;
        let flags = marks.flags(&mailbox).await?;
        let date = import.received_at.map_or_else(|| mailbox.now(), |time| time.0);
        let uid = mailbox.append(draft, flags, date).await?;
        let id = MessageId {
            mailbox: mailbox.info().id,
            uid,
        };
        let message = mailbox.message(uid).ok_or_else(|| gone(id))?;
        let shown = find::summaries(&[mailbox], &[Hit { source: 0, message }]).await?;
        shown.into_iter().next().ok_or_else(|| gone(id))
    });
    let stored = stored.await?;
    let revision = stored.revision();
    Ok(Created::new(&collection, &stored.id.clone(), stored).tagged(revision))
}
