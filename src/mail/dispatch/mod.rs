//! The worker of the queue: takes what is due, delivers it through `relay`, writes what came of it, reports failures to senders.
//!
//! `app` runs one [`Dispatch`] a node. Mail is worked off by lanes ([`Lane`]): one place it goes to, with its own bound on connections,
//! which grows while deliveries succeed and falls to one when the place cannot be reached; so a dead place holds at most one of the
//! deliveries that may run at a time, all places not known to be alive hold at most their share, and they never delay live ones: who waits there for more than a few
//! seconds gives up its place among those that may run, and new mail for a place that could not be reached does not make it be tried at once. One worker drains a lane over one connection.
//!
//! It promises: a message leaves the ledger only when each recipient was delivered, or failed and its sender told, who is never told
//! of the failure of a report. A delivery whose result cannot be written is repeated.
//!
//! RFC 5321 §4.5.4.1 (sending strategy), §6.1 (no report about a report), RFC 3461 §5.2 (what is reported).

mod bounce;
mod lanes;
mod worker;

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use self::lanes::{Bounds, Lanes};
use super::directory::Directory;
use super::intake::Intake;
use super::queue::Queue;
use super::relay::{Lane, Relay};
use super::reports::tls::TlsReports;
use super::traces::Traces;
use crate::model::address::Host;
use crate::store;

/// How often the ledger is looked at for what other nodes entered or left behind.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// The least time between two looks.
const SWEEP_LEAST: Duration = Duration::from_millis(100);
/// How many destinations are taken up at a look.
const DESTINATIONS_AT_ONCE: usize = 2000;
/// How many reports are looked up at a time.
const REPORTS_AT_ONCE: usize = 50;

/// The worker of the queue.
pub struct Dispatch {
    shared: Arc<Shared>,
    /// How long deliveries in flight may go on when the server stops.
    grace: Duration,
}

/// What the worker stands on: the queue that it works off, the way out, the intake that takes its reports, and who counts and tells.
pub struct Ground {
    pub queue: Queue,
    pub relay: Relay,
    pub intake: Intake,
    pub directory: Directory,
    pub tls_reports: TlsReports,
    pub traces: Traces,
}

/// What all workers share.
struct Shared {
    queue: Queue,
    relay: Relay,
    intake: Intake,
    directory: Directory,
    tls_reports: TlsReports,
    traces: Traces,
    lanes: Mutex<Lanes>,
    /// Where the last look at the ledger stopped, if it did not get to the end.
    looked_up_to: Mutex<Option<Host>>,
    /// A lane wants another worker.
    wanted: Notify,
    /// Something was put off, so the next look at the ledger may be earlier than planned.
    put_off: Notify,
}

/// A worker's place in a lane, given back when it is dropped.
struct Slot {
    shared: Arc<Shared>,
    lane: Lane,
    /// Its place among the deliveries that may run; none when it was given up because the lane hangs.
    permit: Option<OwnedSemaphorePermit>,
}

impl Slot {
    /// The delivery has waited for long: its place is for others, if those that hang are not too many.
    fn hangs(&mut self) {
        if self.shared.lanes().hangs(&self.lane) {
            self.permit = None;
            self.shared.wanted.notify_one();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.lanes().leave(&self.lane);
        self.shared.wanted.notify_one();
    }
}

impl Dispatch {
    /// A worker on this ground. When the server stops, deliveries in flight have `grace` to finish.
    pub fn new(ground: Ground, grace: Duration) -> Self {
        let settings = ground.relay.settings();
        let bounds = Bounds {
            per_lane: settings.max_connections_per_destination.max(1),
            unproven: settings.max_unproven_deliveries.clamp(1, (settings.max_deliveries / 2).max(1)),
            hanging: settings.max_hanging_deliveries,
        };
        let Ground {
            queue,
            relay,
            intake,
            directory,
            tls_reports,
            traces,
        } = ground;
        let shared = Shared {
            queue,
            relay,
            intake,
            directory,
            tls_reports,
            traces,
            lanes: Mutex::new(Lanes::new(bounds)),
            looked_up_to: Mutex::default(),
            wanted: Notify::new(),
            put_off: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
            grace,
        }
    }

    /// Works until `cancel`; then lets what is in flight finish, and gives back the rest.
    pub async fn run(self, cancel: CancellationToken) {
        let shared = &self.shared;
        let permits = Arc::new(Semaphore::new(shared.relay.settings().max_deliveries.max(1)));
        let mut work = JoinSet::new();
        if let Err(error) = shared.queue.recover().await {
            tracing::error!(%error, "cannot end the claims of the last run; they end with their leases");
        }
        work.spawn(clean(shared.clone()));
        let mut reports = None;
        let mut next_sweep = Instant::now();
        while !cancel.is_cancelled() {
            self.start_workers(&mut work, &permits, &cancel);
            let parked = self.shared.lanes().next_parked();
            tokio::select! {
                () = cancel.cancelled() => {}
                woken = shared.queue.woken() => {
                    if woken.destinations.is_empty() {
                        next_sweep = Instant::now();
                    }
                    if woken.is_pressing {
                        shared.press(&woken.destinations);
                    }
                    shared.mark(woken.destinations);
                }
                () = shared.wanted.notified() => {}
                () = until(parked) => shared.lanes().unpark(Instant::now()),
                () = shared.put_off.notified() => next_sweep = next_sweep.min(Instant::now() + SWEEP_LEAST),
                Some(ended) = work.join_next(), if !work.is_empty() => log_panic(ended),
                () = sleep_until(next_sweep) => {
                    next_sweep = Instant::now() + sweep(shared).await;
                    if reports.as_ref().is_none_or(|last: &tokio::task::AbortHandle| last.is_finished()) {
                        reports = Some(work.spawn(report_all(shared.clone(), cancel.clone())));
                    }
                }
            }
        }
        self.stop(work).await;
    }

    fn start_workers(&self, work: &mut JoinSet<()>, permits: &Arc<Semaphore>, cancel: &CancellationToken) {
        while let Ok(permit) = permits.clone().try_acquire_owned() {
            let Some(lane) = self.shared.lanes().next() else {
                return;
            };
            let slot = Slot {
                shared: self.shared.clone(),
                lane,
                permit: Some(permit),
            };
            work.spawn(worker::drain(slot, cancel.clone()));
        }
    }

    async fn stop(&self, mut work: JoinSet<()>) {
        let end = Instant::now() + self.grace;
        while let Ok(Some(ended)) = timeout_at(end, work.join_next()).await {
            log_panic(ended);
        }
        if !work.is_empty() {
            tracing::warn!(
                deliveries = work.len(),
                "deliveries are broken off; they are repeated after the next start"
            );
            work.shutdown().await;
        }
        if let Err(error) = self.shared.queue.release_all().await {
            tracing::error!(%error, "cannot give back what was claimed; it is free again when its leases end");
        }
    }
}

impl Shared {
    /// What is behind the lock is whole after each call, so a panic elsewhere does not spoil it.
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looked_up_to(&self) -> MutexGuard<'_, Option<Host>> {
        self.looked_up_to.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What rests is tried all the same.
    fn press(&self, destinations: &BTreeSet<Host>) {
        let mut lanes = self.lanes();
        destinations
            .iter()
            .for_each(|destination| lanes.press(&self.relay.lane(destination)));
    }

    fn mark(&self, destinations: impl IntoIterator<Item = Host>) {
        let mut lanes = self.lanes();
        for destination in destinations {
            let lane = self.relay.lane(&destination);
            lanes.mark(lane, destination);
        }
    }
}

/// Waits for a moment; for ever if there is none.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

/// Looks at the ledger; gives the time until the next look.
async fn sweep(shared: &Shared) -> Duration {
    match look(shared).await {
        Ok(wait) => wait,
        Err(error) => {
            tracing::error!(%error, "cannot look at the queue");
            SWEEP_EVERY
        }
    }
}

async fn look(shared: &Shared) -> Result<Duration, store::Error> {
    shared.queue.follow_clock().await?;
    let after = shared.looked_up_to().take();
    let due = shared.queue.due_destinations(after.as_ref(), DESTINATIONS_AT_ONCE).await?;
    if due.len() == DESTINATIONS_AT_ONCE {
        // The next look goes on from here.
        shared.looked_up_to().clone_from(&due.last().cloned());
        shared.mark(due);
        return Ok(Duration::from_secs(1));
    }
    shared.mark(due);
    if after.is_some() {
        return Ok(SWEEP_LEAST);
    }
    let next = shared.queue.next_due().await?;
    Ok(next.unwrap_or(SWEEP_EVERY).clamp(SWEEP_LEAST, SWEEP_EVERY))
}

/// Sends all reports that wait, such as those that a crash or a full mailbox left, and tells of what is late.
async fn report_all(shared: Arc<Shared>, cancel: CancellationToken) {
    report_ends(&shared, &cancel).await;
    while !cancel.is_cancelled() {
        match tell_late(&shared).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::error!(%error, "cannot tell of what is late"),
        }
    }
}

/// Tells of some messages that are late; whether there were any.
async fn tell_late(shared: &Shared) -> Result<bool, store::Error> {
    let mut any = false;
    for id in shared.queue.due_notices(REPORTS_AT_ONCE).await? {
        any |= bounce::tell_late(shared, id).await?;
    }
    Ok(any)
}

async fn report_ends(shared: &Shared, cancel: &CancellationToken) {
    loop {
        let ids = match shared.queue.due_reports(REPORTS_AT_ONCE).await {
            Ok(ids) => ids,
            Err(error) => return tracing::error!(%error, "cannot look for reports"),
        };
        let mut any = false;
        for id in ids {
            if cancel.is_cancelled() {
                return;
            }
            match bounce::report(shared, id).await {
                Ok(done) => any |= done,
                Err(error) => return tracing::error!(%id, %error, "cannot report"),
            }
        }
        if !any {
            return;
        }
    }
}

async fn clean(shared: Arc<Shared>) {
    if let Err(error) = shared.queue.clean().await {
        tracing::error!(%error, "cannot clean the spool");
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a delivery ended by a fault of the program; its lease will end");
    }
}
