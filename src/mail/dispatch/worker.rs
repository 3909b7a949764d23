//! One worker: drains a lane over one connection, message after message.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::lanes::Marked;
use super::{Shared, Slot, bounce};
use crate::mail::queue::{Claim, Progress, RENEW_EVERY, Settlement};
use crate::mail::relay::{Delivery, Lane, Parcel, Session};
use crate::model::address::Host;
use crate::model::envelope::Recipient;
use crate::store;

/// How long to wait when the database does not answer.
const PAUSE: Duration = Duration::from_secs(2);
/// How often to try to write down a result. A delivery that is not written down is repeated.
const TRIES: usize = 5;

/// Works until the lane has nothing due or `cancel`.
pub(super) async fn drain(slot: Slot, cancel: CancellationToken) {
    let mut kept = None;
    let mut delivered = 0_u64;
    while !cancel.is_cancelled() {
        let taken = slot.shared.lanes().take(&slot.lane);
        if taken.is_empty() {
            break;
        }
        let destinations: Vec<Host> = taken.iter().map(|marked| marked.destination.clone()).collect();
        match slot.shared.queue.claim(&destinations).await {
            Ok(None) => slot.shared.lanes().exhausted(&slot.lane, &taken),
            Ok(Some(claim)) => match deliver(&slot, &mut kept, claim, &taken).await {
                Contact::Reached => {
                    delivered += 1;
                    // One message is no sign that there are more; a second is.
                    slot.shared.lanes().reached(&slot.lane, delivered > 1);
                    slot.shared.wanted.notify_one();
                }
                Contact::Crowded => break,
                Contact::None => {}
            },
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

/// How a worker got on with the servers of its lane.
enum Contact {
    Reached,
    /// Not, though other workers do.
    Crowded,
    None,
}

/// Delivers what was claimed and writes down what came of it.
async fn deliver(slot: &Slot, kept: &mut Option<Session>, claim: Claim, taken: &[Marked]) -> Contact {
    let shared = &slot.shared;
    let delivery = send(shared, kept, &slot.lane, &claim).await;
    let Some(finding) = &delivery.unreachable else {
        write_down(shared, &claim, &delivery.settlements).await;
        return Contact::Reached;
    };
    if shared.lanes().is_crowded(&slot.lane) {
        tracing::debug!(lane = %slot.lane, why = finding.text, "too many connections to one place");
        give_back(shared, &claim).await;
        return Contact::Crowded;
    }
    let destinations: Vec<Host> = taken.iter().map(|marked| marked.destination.clone()).collect();
    match shared.queue.postpone(&destinations, finding).await {
        Ok(()) => shared.lanes().exhausted(&slot.lane, taken),
        Err(error) => tracing::error!(lane = %slot.lane, %error, "cannot put off what is due"),
    }
    write_down(shared, &claim, &delivery.settlements).await;
    Contact::None
}

async fn give_back(shared: &Shared, claim: &Claim) {
    if let Err(error) = shared.queue.give_back(claim).await {
        tracing::warn!(id = %claim.message.id, %error, "cannot give back a claim; it ends with its lease");
    }
}

/// Writes the results, and reports them if that is the end for somebody.
async fn write_down(shared: &Shared, claim: &Claim, settlements: &[Settlement]) {
    let id = claim.message.id;
    let progress = match settle(shared, claim, settlements).await {
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

/// The delivery, with the lease kept alive beside it.
async fn send(shared: &Shared, kept: &mut Option<Session>, lane: &Lane, claim: &Claim) -> Delivery {
    let recipients: Vec<Recipient> = claim.recipients.iter().map(|row| row.recipient.clone()).collect();
    let parcel = Parcel {
        file: shared.queue.file(claim.message.id),
        size: claim.message.size,
        sender: &claim.message.sender,
        recipients: &recipients,
    };
    tokio::select! {
        delivery = shared.relay.deliver(kept, lane, &parcel) => delivery,
        never = keep_lease(shared, claim) => match never {},
    }
}

async fn keep_lease(shared: &Shared, claim: &Claim) -> Infallible {
    loop {
        sleep(RENEW_EVERY).await;
        if let Err(error) = shared.queue.renew(claim).await {
            tracing::warn!(id = %claim.message.id, %error, "cannot renew a lease");
        }
    }
}

async fn settle(shared: &Shared, claim: &Claim, settlements: &[Settlement]) -> Result<Progress, store::Error> {
    let mut tries = 1;
    loop {
        match shared.queue.settle(claim, settlements).await {
            Err(error) if tries < TRIES => {
                tracing::warn!(id = %claim.message.id, %error, "cannot write down what came of a delivery yet");
                tries += 1;
                sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}
