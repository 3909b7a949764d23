//! One worker: drains a lane over one connection, message after message.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::lanes::Marked;
use super::{Shared, Slot, bounce};
use crate::mail::queue::{Claim, Lease, Left, Progress, Settlement, Unreached, Via};
use crate::mail::rate::Rate;
use crate::mail::relay::{Delivery, Lane, Parcel, Session};
use crate::model::address::Host;
use crate::model::envelope::Recipient;
use crate::model::traced::TRACED;
use crate::store;

/// How long to wait when the database does not answer.
const PAUSE: Duration = Duration::from_secs(2);
/// How often to try to write down a result. A delivery that is not written down is repeated, so a database that is started again, or
/// gives way to another, is waited for.
const TRIES: usize = 150;
/// The most messages that a worker claims at once.
const MOST_AT_ONCE: usize = 16;
/// Claims that went out in less than this may be more the next time.
const BRISK: Duration = Duration::from_secs(1);
/// How long a worker waits for its turn in a lane with a rate, rather than give up its connection.
const WAITS_UP_TO: Duration = Duration::from_millis(250);
/// A delivery to a place not known to be alive that takes longer than this hangs.
const HANGS_AFTER: Duration = Duration::from_secs(5);

/// Works until the lane has nothing due or `cancel`.
pub(super) async fn drain(mut slot: Slot, cancel: CancellationToken) {
    let mut kept = None;
    let mut pace = Pace::default();
    let rate = Rate::per_minute(slot.shared.relay.rate(&slot.lane));
    // One that gave up its place, and was heard in the end, waits for another like all the rest.
    while !cancel.is_cancelled() && slot.permit.is_some() {
        let taken = slot.shared.lanes().take(&slot.lane);
        if taken.is_empty() || !may_send(&slot, rate, &cancel).await {
            break;
        }
        // Where messages are counted they go one by one.
        let at_once = if rate.is_some() { 1 } else { pace.at_once };
        let destinations: Vec<Host> = taken.iter().map(|marked| marked.destination.clone()).collect();
        match slot.shared.queue.claim(&destinations, at_once).await {
            Ok(claims) if claims.is_empty() => {
                let mut lanes = slot.shared.lanes();
                lanes.exhausted(&slot.lane, &taken);
                rate.into_iter().for_each(|rate| lanes.refund(&slot.lane, rate));
            }
            Ok(claims) => {
                if deliver_all(&mut slot, &mut kept, (claims, &taken), &mut pace, &cancel)
                    .await
                    .is_err()
                {
                    break;
                }
            }
            Err(error) => {
                tracing::error!(lane = %slot.lane, %error, "cannot claim from the queue");
                let _ = tokio::time::timeout(PAUSE, cancel.cancelled()).await;
                break;
            }
        }
    }
    // The place in the lane is free before the farewell, which may take a while.
    drop(slot);
    if let Some(session) = kept {
        session.quit().await;
    }
}

/// Counts the next message of a lane that has a rate. If it may go soon it is waited for, over the connection that is there; or else
/// the lane is parked, and the worker may go: false.
async fn may_send(slot: &Slot, rate: Option<Rate>, cancel: &CancellationToken) -> bool {
    let Some(rate) = rate else { return true };
    while !cancel.is_cancelled() {
        let now = Instant::now();
        // The lock is not held while it waits.
        let drawn = slot.shared.lanes().draw(&slot.lane, rate, now);
        match drawn {
            Ok(()) => return true,
            // Of several one is enough to wait.
            Err(_) if slot.shared.lanes().is_spare(&slot.lane) => return false,
            Err(until) if until.saturating_duration_since(now) <= WAITS_UP_TO => {
                let _ = tokio::time::timeout_at(until, cancel.cancelled()).await;
            }
            Err(until) => {
                slot.shared.lanes().park(&slot.lane, until);
                return false;
            }
        }
    }
    false
}

/// How many messages a worker claims at once: one from a server that it does not know, more while they go out quickly. Those that wait
/// behind a slow one could have gone another way.
struct Pace {
    at_once: usize,
    delivered: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { at_once: 1, delivered: 0 }
    }
}

impl Pace {
    fn after(&mut self, took: Duration) {
        self.at_once = if took < BRISK {
            self.at_once.saturating_mul(2).min(MOST_AT_ONCE)
        } else {
            1
        };
    }
}

/// The worker is one too many.
struct Crowded;

/// Delivers what was claimed. The lease is kept alive beside it, however long all of it takes.
async fn deliver_all(
    slot: &mut Slot,
    kept: &mut Option<Session>,
    (claims, taken): (Vec<Claim>, &[Marked]),
    pace: &mut Pace,
    cancel: &CancellationToken,
) -> Result<(), Crowded> {
    let Some(lease) = claims.first().map(Claim::lease) else {
        return Ok(());
    };
    let shared = slot.shared.clone();
    tokio::select! {
        outcome = deliver_each(slot, kept, (claims, taken), pace, cancel) => outcome,
        never = keep_lease(&shared, lease) => match never {},
    }
}

/// Delivers one message after the other. When no server can be talked to, or the server stops, the rest is given back.
async fn deliver_each(
    slot: &mut Slot,
    kept: &mut Option<Session>,
    (claims, taken): (Vec<Claim>, &[Marked]),
    pace: &mut Pace,
    cancel: &CancellationToken,
) -> Result<(), Crowded> {
    let began = Instant::now();
    let mut claims = claims.into_iter();
    let mut outcome = Ok(());
    while let Some(claim) = claims.next() {
        // Each line that is logged on the way has the id of the message.
        let span = tracing::info_span!("message", id = %claim.message.id);
        let attempt = tracing::info_span!(target: TRACED, parent: &span, "delivery", otel.kind = "client", lane = %slot.lane);
        match deliver(slot, kept, claim).instrument(attempt).instrument(span).await {
            Contact::Reached => {
                pace.delivered += 1;
                // One message is no sign that there are more; a second is.
                slot.shared.lanes().reached(&slot.lane, pace.delivered > 1);
                slot.shared.wanted.notify_one();
                if cancel.is_cancelled() {
                    give_back_all(slot, &mut claims).await;
                }
            }
            Contact::Crowded => {
                give_back_all(slot, &mut claims).await;
                outcome = Err(Crowded);
            }
            Contact::None(unreached) => {
                give_back_all(slot, &mut claims).await;
                postpone(slot, taken, &unreached).await;
            }
        }
    }
    pace.after(began.elapsed());
    outcome
}

/// How a worker got on with the servers of its lane.
enum Contact {
    Reached,
    /// Not, though other workers do.
    Crowded,
    /// Nobody does.
    None(Unreached),
}

/// Delivers one message and writes down what came of it.
async fn deliver(slot: &mut Slot, kept: &mut Option<Session>, claim: Claim) -> Contact {
    let delivery = send(slot, kept, &claim).await;
    let shared = &slot.shared;
    if let Lane::Domain(domain) = &slot.lane {
        shared.tls_reports.note(domain, &delivery.outcomes);
    }
    let Some(finding) = delivery.unreachable else {
        write_down(shared, &claim, &delivery.settlements, delivery.via.as_ref()).await;
        if let Some(session) = delivery.farewell {
            session.quit().await;
        }
        return Contact::Reached;
    };
    if shared.lanes().is_crowded(&slot.lane) {
        tracing::debug!(lane = %slot.lane, why = finding.text, "too many connections to one place");
        give_back(shared, &claim).await;
        return Contact::Crowded;
    }
    write_down(shared, &claim, &delivery.settlements, None).await;
    Contact::None(Unreached {
        finding,
        was_tls_optional: claim.message.sender.tls_optional,
    })
}

/// Puts off all that is due for the destinations, which would fare no better. What comes in for them in the next while is not tried at
/// once either.
async fn postpone(slot: &Slot, taken: &[Marked], unreached: &Unreached) {
    let destinations: Vec<Host> = taken.iter().map(|marked| marked.destination.clone()).collect();
    match slot.shared.queue.postpone(&destinations, unreached).await {
        // What goes whatever becomes of TLS is tried next.
        Ok(Left::Something) => {}
        Ok(Left::Nothing) => {
            let mut lanes = slot.shared.lanes();
            lanes.exhausted(&slot.lane, taken);
            lanes.park(&slot.lane, Instant::now() + slot.shared.queue.rest());
        }
        Err(error) => tracing::error!(lane = %slot.lane, %error, "cannot put off what is due"),
    }
}

async fn give_back_all(slot: &Slot, claims: &mut impl Iterator<Item = Claim>) {
    for claim in claims {
        give_back(&slot.shared, &claim).await;
    }
}

async fn give_back(shared: &Shared, claim: &Claim) {
    if let Err(error) = shared.queue.give_back(claim).await {
        tracing::warn!(id = %claim.message.id, %error, "cannot give back a claim; it ends with its lease");
    }
}

/// Writes the results, and reports them if that is the end for somebody.
async fn write_down(shared: &Shared, claim: &Claim, settlements: &[Settlement], via: Option<&Via>) {
    let id = claim.message.id;
    let progress = match settle(shared, claim, settlements, via).await {
        Ok(progress) => progress,
        Err(error) => return tracing::error!(%id, %error, "cannot write down what came of a delivery; it will be repeated"),
    };
    if progress == Progress::Report
        && let Err(error) = bounce::report(shared, id).await
    {
        tracing::error!(%id, %error, "cannot report; it is tried again");
    }
    if progress != Progress::Done {
        shared.put_off.notify_one();
    }
}

/// The delivery; if it hangs, it gives up its place.
async fn send(slot: &mut Slot, kept: &mut Option<Session>, claim: &Claim) -> Delivery {
    let shared = slot.shared.clone();
    let lane = slot.lane.clone();
    let recipients: Vec<Recipient> = claim.recipients.iter().map(|row| row.recipient.clone()).collect();
    let parcel = Parcel {
        content: &claim.content,
        size: claim.message.size,
        sender: &claim.message.sender,
        recipients: &recipients,
    };
    let hanging = async {
        sleep(HANGS_AFTER).await;
        slot.hangs();
        pending::<Infallible>().await
    };
    tokio::select! {
        delivery = shared.relay.deliver(kept, &lane, &parcel) => delivery,
        never = hanging => match never {},
    }
}

async fn keep_lease(shared: &Shared, lease: Lease) -> Infallible {
    loop {
        sleep(shared.queue.renew_every()).await;
        if let Err(error) = shared.queue.renew(lease).await {
            tracing::warn!(%error, "cannot renew a lease");
        }
    }
}

async fn settle(shared: &Shared, claim: &Claim, settlements: &[Settlement], via: Option<&Via>) -> Result<Progress, store::Error> {
    let mut tries = 1;
    loop {
        match shared.queue.settle(claim, settlements, via).await {
            Err(error) if tries < TRIES => {
                tracing::warn!(id = %claim.message.id, %error, "cannot write down what came of a delivery yet");
                tries += 1;
                sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}
