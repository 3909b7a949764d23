//! Reports to senders: made as a message from the null sender and handed to the intake.
//!
//! RFC 3461 §5.2 and §6 (when, and what is returned), RFC 5321 §6.1 (no report about a report).

use super::Shared;
use crate::mail::intake::{self, Accepted, Incoming, Origin};
use crate::mail::relay::Body;
use crate::model::address::EmailAddress;
use crate::model::envelope::{BodyType, Recipient, Ret, ReversePath, Sender};
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;
use crate::model::trace::{About, Step};
use crate::store;
use crate::store::db::queue::{Addressee, Message, State};
use crate::wire::message::dsn::{Action, Fate, Notification, Returned};

/// Up to so many octets a message is returned whole if its sender did not say (RFC 3461 §4.3 leaves it to us).
const RETURN_WHOLE: u64 = 50_000;
/// Room for what stands around the returned message.
const ROOM: u64 = 500_000;
/// The most octets of a header that are returned.
const MOST_HEADER: usize = 262_144;

/// Reports what is to be reported of a message; false if there is nothing, or somebody else does it.
pub(super) async fn report(shared: &Shared, id: MailId) -> Result<bool, store::Error> {
    let Some(claim) = shared.queue.claim_reports(id).await? else {
        return Ok(false);
    };
    let fates: Vec<Fate> = claim.recipients.iter().filter(|row| is_wanted(row)).map(fate).collect();
    match claim.message.sender.path.address() {
        // RFC 5321 §6.1: a report that fails is not reported.
        None => {
            tracing::info!(%id, "the message has the null sender: nobody is told");
            not_told(shared, id, About::End, "the message has the null sender");
        }
        Some(_) if fates.is_empty() => {}
        Some(to) => {
            if let Err(refusal) = send(shared, &claim.message, to, &fates).await {
                if refusal.is_temporary() && shared.queue.report_later(&claim).await? {
                    tracing::info!(%id, %to, why = %refusal, "the report waits");
                    return Ok(true);
                }
                tracing::warn!(%id, %to, why = %refusal, "the sender cannot be told");
                not_told(shared, id, About::End, &refusal.to_string());
            }
        }
    }
    shared.queue.reported(claim).await?;
    Ok(true)
}

/// Tells the sender of a message that it is late (RFC 3464 §2.3.3, `delayed`); false if there is nothing to tell.
pub(super) async fn tell_late(shared: &Shared, id: MailId) -> Result<bool, store::Error> {
    let Some((message, late)) = shared.queue.take_notices(id).await? else {
        return Ok(false);
    };
    let Some(to) = message.sender.path.address() else {
        return Ok(true);
    };
    let fates: Vec<Fate> = late.iter().map(late_fate).collect();
    if let Err(refusal) = send(shared, &message, to, &fates).await {
        tracing::warn!(%id, %to, why = %refusal, "the sender cannot be told that the message is late");
        not_told(shared, id, About::Delay, &refusal.to_string());
    }
    Ok(true)
}

fn late_fate(row: &Addressee) -> Fate {
    Fate {
        action: Action::Delayed,
        // RFC 3463 §2: a delay is of class 4.
        status: row.last.status.clone().unwrap_or_else(|| "4.4.0".into()),
        text: row.last.text.clone().unwrap_or_else(|| "it was not tried yet".into()),
        ..fate(row)
    }
}

/// RFC 3461 §4.1: whether the sender wants to hear of it.
fn is_wanted(row: &Addressee) -> bool {
    let notify = row.recipient.notify.unwrap_or_default();
    match row.state {
        State::FailedUnreported => notify.failure,
        State::RelayedUnreported => notify.success,
        State::Waiting | State::Held | State::Done | State::Failed => false,
    }
}

fn fate(row: &Addressee) -> Fate {
    let is_failed = row.state == State::FailedUnreported;
    let fallback = if is_failed { "5.0.0" } else { "2.0.0" };
    Fate {
        recipient: row.recipient.address.clone(),
        orcpt: row.recipient.orcpt.clone(),
        action: if is_failed { Action::Failed } else { Action::Relayed },
        status: row.last.status.clone().unwrap_or_else(|| fallback.into()),
        host: row.last.host.clone(),
        text: row.last.text.clone().unwrap_or_default(),
        last_attempt: row.last.at,
    }
}

async fn send(shared: &Shared, message: &Message, to: &EmailAddress, fates: &[Fate]) -> Result<(), Refusal> {
    let original = shared.intake.original(to).await?;
    let to = original.as_ref().unwrap_or(to);
    let route = shared.directory.route(to).await?;
    let mut incoming = shared.intake.begin();
    let unique = incoming.id().to_string();
    let content = shared.queue.content(message.id).await?;
    let original = Body::open(&content).await;
    let returned = match &original {
        Ok(_) => returned(shared, message, fates),
        // What is late may have been delivered this moment.
        Err(_) if fates.iter().all(|fate| fate.action == Action::Delayed) => return Ok(()),
        Err(_) => Returned::Nothing,
    };
    let notification = Notification {
        unique: &unique,
        host: shared.relay.hostname(),
        to,
        date: shared.queue.now(),
        arrival: message.created_at,
        expiry: message.expires_at,
        envid: message.sender.envid.as_deref(),
        fates,
        returned,
    };
    let spelled = notification.spell();
    incoming.write(&spelled.before).await?;
    if let Ok(original) = original {
        write_original(&mut incoming, original, returned).await?;
    }
    incoming.write(&spelled.after).await?;
    let sender = Sender {
        body: BodyType::EightBitMime,
        smtputf8: to.needs_smtputf8(),
        ..Sender::plain(ReversePath::Null)
    };
    let recipient = Recipient::plain(to.clone());
    let accepted = vec![Accepted { recipient, route }];
    let outcome = shared
        .intake
        .receive(&Origin::ours(), sender, accepted, incoming, intake::Fate::Own)
        .await?;
    outcome.recipients.into_iter().collect::<Result<(), Refusal>>()?;
    tracing::info!(id = %message.id, report = %outcome.id, %to, recipients = fates.len(), "reported to the sender");
    let is_late = fates.iter().all(|fate| fate.action == Action::Delayed);
    let reported = Step::Reported {
        about: if is_late { About::Delay } else { About::End },
        to: to.to_string(),
        report: outcome.id.to_string(),
    };
    shared.traces.tell(message.id, reported);
    Ok(())
}

fn not_told(shared: &Shared, id: MailId, about: About, reason: &str) {
    let reason = reason.to_owned();
    shared.traces.tell(id, Step::NotReported { about, reason });
}

/// RFC 3461 §4.3: RET is about failures; a success returns the header only.
fn returned(shared: &Shared, message: &Message, fates: &[Fate]) -> Returned {
    let size = message.size;
    let fits = size.saturating_add(ROOM) <= shared.intake.max_size();
    let is_whole = match message.sender.ret {
        Some(Ret::Full) => fits,
        Some(Ret::Headers) => false,
        None => fits && size <= RETURN_WHOLE,
    };
    let any_failed = fates.iter().any(|fate| fate.action == Action::Failed);
    if is_whole && any_failed {
        Returned::Full
    } else {
        Returned::Headers
    }
}

async fn write_original(incoming: &mut Incoming, mut original: Body, returned: Returned) -> Result<(), Refusal> {
    let unreadable = |error: std::io::Error| {
        tracing::error!(%error, "cannot read a queued message's file for a report");
        Refusal::LATER
    };
    match returned {
        Returned::Nothing => {}
        Returned::Headers => incoming.write(&original.header(MOST_HEADER).await.map_err(unreadable)?).await?,
        Returned::Full => loop {
            let portion = original.next().await.map_err(unreadable)?;
            if portion.is_empty() {
                break;
            }
            incoming.write(portion).await?;
        },
    }
    Ok(())
}
