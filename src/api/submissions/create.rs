use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, post};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use super::letter::{NewSubmission, Outgoing};
use super::{Submission, SubmissionRecipient, SubmissionState, without_brackets};
use crate::api::body::{self, Media, Query};
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::mailboxes::owner;
use crate::api::messages::MessageId;
use crate::api::problem::{BodyProblems, Kind, Problem, Problems};
use crate::api::reply::{Created, Octets, segment};
use crate::api::time::Time;
use crate::mail::intake::{self, Incoming, NotSent, Submitted};
use crate::model::address::EmailAddress;
use crate::model::mailbox::MailboxName;
use crate::model::refusal::Refusal;
use crate::wire::message::crlf::Crlf;

/// How many octets of a message are handed on at a time.
const PIECE: usize = 65_536;

/// What goes with a message that is sent as it is; JSON has fields for it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Envelope {
    /// Where bounces go; to the first address in From if absent.
    #[param(example = "alice@example.test")]
    sender: Option<String>,
    /// To whom it goes, with commas between them; to those in To, Cc and Bcc if absent.
    #[param(example = "bob@elsewhere.test,carol@elsewhere.test")]
    recipients: Option<String>,
    /// The name of the mailbox that a copy is put into; no copy is kept if absent.
    #[param(example = "Sent")]
    save_to: Option<String>,
}

/// Send a message
///
/// As JSON, of which a message is made, or as it is (`message/rfc822`). By the rules of submission: the user must be allowed to send with
/// the addresses in From, the limits of what a user may send hold, Bcc is taken out, Date and Message-ID are added where they lack, and
/// what leaves is signed. All recipients are taken or none; it is on stable storage when this answers. For the user and for server
/// administrators.
#[utoipa::path(
    operation_id = "submit_message", tag = "submissions", security(("bearer" = ["messages:send"])),
    request_body(description = "The message.", content((NewSubmission = "application/json"), (Octets = "message/rfc822"))),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test"), Envelope),
    responses(
        (status = 201, description = "It was sent.", body = Submission, headers(("Location" = String, description = "Tells what becomes of it."))),
        Problems, BodyProblems
    )
)]
#[post("/users/{address}/submissions")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Query(envelope): Query<Envelope>,
    (request, payload): (HttpRequest, Payload),
) -> Result<Created<Submission>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.sends_mail(&login)?;
    let peer = request.peer_addr().map(|peer| peer.ip());
    let message = match body::media(&request) {
        Some(Media::Json) => written(&house, &login, envelope, (&request, payload)).await?,
        Some(Media::Message) => as_it_is(&house, envelope, (&request, payload)).await?,
        None => {
            return Err(Problem::new(
                Kind::WrongMediaType,
                "the body must be application/json or message/rfc822",
            ));
        }
    };
    let collection = format!("users/{}/submissions", segment(&login.to_string()));
    let fields = message.fields.clone();
    let sent = house.run(|house| async move {
        let at = house.queue.now();
        let sent = send(&house, &login, message, peer).await?;
        Ok(sent.map(|(sent, copy)| shown(&sent, copy, at)))
    });
    let sent = sent.await?.map_err(|not_sent| problem(not_sent, &fields))?;
    Ok(Created::new(&collection, &sent.id.clone(), sent))
}

/// A message that is ready to be sent.
struct Ready {
    message: Incoming,
    sender: Option<EmailAddress>,
    recipients: Vec<EmailAddress>,
    /// The fields that name them.
    fields: Vec<String>,
    eight_bit: bool,
    save_to: Option<MailboxName>,
    /// What it takes of the memory for large bodies.
    _room: Option<OwnedSemaphorePermit>,
}

/// A message that is made of JSON.
async fn written(
    house: &Data<House>,
    login: &Login,
    envelope: Envelope,
    (request, payload): (&HttpRequest, Payload),
) -> Result<Ready, Problem> {
    if envelope.sender.is_some() || envelope.recipients.is_some() || envelope.save_to.is_some() {
        let detail = "sender, recipients and save_to go with message/rfc822; in JSON they are fields: from, to, cc, bcc, save_to";
        return Err(Problem::new(Kind::Malformed, detail));
    }
    let limit = house.settings.max_submission_json_bytes;
    let (body, room): (NewSubmission, _) = body::large_json(request, payload, (&house.large_bodies, limit)).await?;
    let login = login.clone();
    let user = house.run(|house| async move { owner(&house, &login).await }).await?;
    let message = house.intake.begin();
    let outgoing = body.read(&user, house.intake.message_id(message.id()), house.queue.now())?;
    house.run(|_| async move { compose(message, outgoing, room).await }).await
}

async fn compose(mut message: Incoming, outgoing: Outgoing, room: Option<OwnedSemaphorePermit>) -> Result<Ready, Refusal> {
    let Outgoing {
        letter,
        recipients,
        save_to,
    } = outgoing;
    let spelled = tokio::task::spawn_blocking(move || letter.spell()).await;
    let octets = spelled.map_err(|error| {
        tracing::error!(%error, "making a message broke");
        Refusal::LATER
    })?;
    for piece in octets.chunks(PIECE) {
        message.write(piece).await?;
    }
    let (fields, recipients) = recipients.into_iter().unzip();
    Ok(Ready {
        message,
        sender: None,
        recipients,
        fields,
        eight_bit: !octets.is_ascii(),
        save_to,
        _room: room,
    })
}

/// A message that is sent as it is.
async fn as_it_is(house: &House, envelope: Envelope, (request, payload): (&HttpRequest, Payload)) -> Result<Ready, Problem> {
    let malformed = |name: &'static str| move |error: String| Problem::new(Kind::Malformed, error).at(name);
    let address = |text: &str| text.trim().parse::<EmailAddress>().map_err(|error| error.to_string());
    let sender = envelope.sender.as_deref().map(address).transpose().map_err(malformed("sender"))?;
    let recipients = envelope
        .recipients
        .as_deref()
        .map(|all| all.split(',').map(address).collect::<Result<Vec<_>, _>>());
    let recipients = recipients.transpose().map_err(malformed("recipients"))?.unwrap_or_default();
    let save_to = envelope.save_to.as_deref().map(MailboxName::parse).transpose();
    let save_to = save_to.map_err(|error| malformed("save_to")(error.to_string()))?;
    body::check_length(request, house.intake.max_size())?;
    let (mut message, mut eight_bit, mut crlf) = (house.intake.begin(), false, Crlf::default());
    body::stream(payload, async |octets| {
        eight_bit |= !octets.is_ascii();
        let mut mended = Vec::with_capacity(octets.len());
        crlf.mend(octets, &mut mended);
        message.write(&mended).await
    })
    .await?;
    if crlf.has_bare_cr() {
        let detail = "the message has a CR without an LF behind it (RFC 5322 §2.3)";
        return Err(Problem::new(Kind::BadMessage, detail));
    }
    Ok(Ready {
        message,
        sender,
        recipients,
        fields: Vec::new(),
        eight_bit,
        save_to,
        _room: None,
    })
}

/// Sends it; also the name of the copy.
async fn send(
    house: &House,
    login: &Login,
    ready: Ready,
    peer: Option<std::net::IpAddr>,
) -> Result<Result<(Submitted, Option<MessageId>), NotSent>, Refusal> {
    let user = owner(house, login).await?;
    if !user.enabled {
        return Err(Refusal::Disabled(user.login.clone()));
    }
    if ready.message.size() == 0 {
        return Err(Refusal::BadMessage("the message is empty".to_owned()));
    }
    let copy_to = match &ready.save_to {
        Some(name) => Some(house.mailboxes.open(&user, name).await?),
        None => None,
    };
    let mailbox = copy_to.as_ref().map(|mailbox| mailbox.info().id);
    let submission = intake::Submission {
        user,
        peer,
        sender: ready.sender,
        recipients: ready.recipients,
        max_recipients: house.max_recipients,
        eight_bit: ready.eight_bit,
        copy_to,
    };
    let sent = house.intake.submit(submission, ready.message).await;
    Ok(sent.map(|sent| {
        let copy = mailbox.zip(sent.copy).map(|(mailbox, uid)| MessageId { mailbox, uid });
        (sent, copy)
    }))
}

fn shown(sent: &Submitted, copy: Option<MessageId>, at: Timestamp) -> Submission {
    let recipient = |(address, waits): &(EmailAddress, bool)| SubmissionRecipient {
        address: address.to_string(),
        state: if *waits {
            SubmissionState::Queued
        } else {
            SubmissionState::Delivered
        },
        detail: None,
    };
    let waits = sent.recipients.iter().any(|(_, waits)| *waits);
    Submission {
        id: sent.id.to_string(),
        message_id: sent.message_id.as_deref().map(without_brackets),
        sender: sent.sender.to_string(),
        submitted_at: Time(at),
        queue_id: waits.then(|| sent.id.to_string()),
        recipients: sent.recipients.iter().map(recipient).collect(),
        saved_message_id: copy.map(|copy| copy.to_string()),
    }
}

/// What is wrong with a recipient is wrong with the request: there is no such address, or it takes no mail.
fn problem(not_sent: NotSent, fields: &[String]) -> Problem {
    let NotSent { recipient, refusal } = not_sent;
    let Some(place) = recipient else { return refusal.into() };
    let problem = match refusal.is_temporary() {
        true => Problem::from(refusal),
        false => Problem::new(Kind::Invalid, refusal.to_string()),
    };
    problem.at(fields.get(place).map_or("recipients", String::as_str))
}
