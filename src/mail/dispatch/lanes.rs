//! Which lanes have work, and how many workers each may have: plain bookkeeping, no I/O.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use tokio::time::Instant;

use crate::mail::rate::{Meter, Rate};
use crate::mail::relay::Lane;
use crate::model::address::Host;

/// The most destinations of a lane that are looked for at once (the smarthost's lane has many).
const AT_ONCE: usize = 50;
/// How many lanes' meters are kept; with more, those that stand still are forgotten.
const MOST_METERS: usize = 20_000;
/// How many lanes are remembered as proven; with more, all must prove themselves again.
const MOST_PROVEN: usize = 20_000;

/// A destination that has something due, as of some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) destination: Host,
    /// Tells a later mark from an earlier one.
    serial: u64,
}

/// All lanes that have work or workers.
#[derive(Debug)]
pub(super) struct Lanes {
    bounds: Bounds,
    /// Lanes of which a server was talked to at the last try.
    proven: HashSet<Lane>,
    /// Workers in lanes that were not proven when they began.
    unproven_workers: usize,
    /// Those of them that have waited for long, which count apart.
    hanging_workers: usize,
    /// Whose turn it is, if lanes of both kinds want a worker.
    is_turn_of_unproven: bool,
    serial: u64,
    lanes: HashMap<Lane, State>,
    /// Proven lanes that want a worker, each once, first come first served.
    waiting: VecDeque<Lane>,
    /// The others.
    waiting_unproven: VecDeque<Lane>,
    /// What went of late over lanes with a rate.
    meters: HashMap<Lane, Meter<Instant>>,
    /// Lanes of which nothing may go before a moment.
    parked: BTreeMap<Instant, Vec<Lane>>,
}

/// How many workers there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// In one lane.
    pub(super) per_lane: usize,
    /// In all lanes that are not proven together: dead places, which hang, must not take the room of live ones.
    pub(super) unproven: usize,
    /// Beside those, of workers that only wait: they cost little, and dead places that say nothing hold them for minutes.
    pub(super) hanging: usize,
}

#[derive(Debug)]
struct State {
    due: VecDeque<Marked>,
    workers: usize,
    /// How many more workers there is reason for.
    wanted: usize,
    /// How many there may be now.
    allowed: usize,
    /// A server was talked to since the last time that none could be.
    was_reached: bool,
    is_waiting: bool,
    is_parked: bool,
    trial: Trial,
}

/// As what the one worker of a lane that is not proven counts: such a lane has no second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    None,
    Unproven,
    Hanging,
}

impl State {
    fn may_start(&self) -> bool {
        !self.is_parked && !self.due.is_empty() && self.wanted > 0 && self.workers < self.allowed
    }
}

impl Lanes {
    /// No lanes.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            proven: HashSet::new(),
            unproven_workers: 0,
            hanging_workers: 0,
            is_turn_of_unproven: false,
            serial: 0,
            lanes: HashMap::new(),
            waiting: VecDeque::new(),
            waiting_unproven: VecDeque::new(),
            meters: HashMap::new(),
            parked: BTreeMap::new(),
        }
    }

    /// Something is due for the destination.
    pub(super) fn mark(&mut self, lane: Lane, destination: Host) {
        self.serial = self.serial.wrapping_add(1);
        let serial = self.serial;
        let state = self.lanes.entry(lane.clone()).or_insert_with(|| State {
            due: VecDeque::new(),
            workers: 0,
            wanted: 0,
            allowed: 1,
            was_reached: false,
            is_waiting: false,
            is_parked: false,
            trial: Trial::None,
        });
        match state.due.iter_mut().find(|marked| marked.destination == destination) {
            Some(marked) => marked.serial = serial,
            None => state.due.push_back(Marked { destination, serial }),
        }
        state.wanted = state.wanted.saturating_add(1).min(self.bounds.per_lane);
        self.queue_up(&lane);
    }

    /// The next lane that is to have a worker, which counts from now on.
    pub(super) fn next(&mut self) -> Option<Lane> {
        while let Some(lane) = self.next_in_turn() {
            let is_proven = self.proven.contains(&lane);
            let Some(state) = self.lanes.get_mut(&lane) else { continue };
            state.is_waiting = false;
            if state.may_start() {
                state.workers += 1;
                state.wanted -= 1;
                if !is_proven && state.trial == Trial::None {
                    state.trial = Trial::Unproven;
                    self.unproven_workers += 1;
                }
                self.queue_up(&lane);
                return Some(lane);
            }
        }
        None
    }

    /// The next lane that waits: proven ones and others take turns, while the others have room.
    fn next_in_turn(&mut self) -> Option<Lane> {
        let has_room = self.unproven_workers < self.bounds.unproven;
        let first = has_room && (self.is_turn_of_unproven || self.waiting.is_empty());
        if first && let Some(lane) = self.waiting_unproven.pop_front() {
            self.is_turn_of_unproven = false;
            return Some(lane);
        }
        self.is_turn_of_unproven = true;
        self.waiting.pop_front()
    }

    /// The lane's worker no longer counts as one on trial.
    fn end_trial(&mut self, lane: &Lane) {
        let Some(state) = self.lanes.get_mut(lane) else { return };
        match std::mem::replace(&mut state.trial, Trial::None) {
            Trial::None => {}
            Trial::Unproven => self.unproven_workers = self.unproven_workers.saturating_sub(1),
            Trial::Hanging => self.hanging_workers = self.hanging_workers.saturating_sub(1),
        }
    }

    /// The lane's worker has waited for long: true if its place is free for another from now on, because there is room among those
    /// that hang.
    pub(super) fn hangs(&mut self, lane: &Lane) -> bool {
        let has_room = self.hanging_workers < self.bounds.hanging;
        match self.lanes.get_mut(lane) {
            Some(state) if has_room && state.trial == Trial::Unproven => state.trial = Trial::Hanging,
            _ => return false,
        }
        self.unproven_workers = self.unproven_workers.saturating_sub(1);
        self.hanging_workers += 1;
        true
    }

    /// Some destinations of the lane that have something due; others the next time. None: the worker may go.
    pub(super) fn take(&mut self, lane: &Lane) -> Vec<Marked> {
        let Some(state) = self.lanes.get_mut(lane).filter(|state| !state.is_parked) else {
            return Vec::new();
        };
        let count = state.due.len().min(AT_ONCE);
        let taken = state.due.iter().take(count).cloned().collect();
        state.due.rotate_left(count);
        taken
    }

    /// Counts a message that is to go over a lane with a rate; or says when it may.
    pub(super) fn draw(&mut self, lane: &Lane, rate: Rate, now: Instant) -> Result<(), Instant> {
        if self.meters.len() >= MOST_METERS && !self.meters.contains_key(lane) {
            self.meters.retain(|_, meter| !meter.is_idle(now));
        }
        self.meters.entry(lane.clone()).or_insert_with(|| Meter::new(now)).draw(now, rate)
    }

    /// Whether there is another worker, which does what is to be done; then no more of them are wanted.
    pub(super) fn is_spare(&mut self, lane: &Lane) -> bool {
        let Some(state) = self.lanes.get_mut(lane).filter(|state| state.workers > 1) else {
            return false;
        };
        state.wanted = 0;
        true
    }

    /// A message that was counted did not go.
    pub(super) fn refund(&mut self, lane: &Lane, rate: Rate) {
        if let Some(meter) = self.meters.get_mut(lane) {
            meter.refund(rate);
        }
    }

    /// The lane gets no worker before `until`.
    pub(super) fn park(&mut self, lane: &Lane, until: Instant) {
        if let Some(state) = self.lanes.get_mut(lane)
            && !state.is_parked
        {
            state.is_parked = true;
            self.parked.entry(until).or_default().push(lane.clone());
        }
    }

    /// When the next of the parked lanes may go on.
    pub(super) fn next_parked(&self) -> Option<Instant> {
        self.parked.first_key_value().map(|(until, _)| *until)
    }

    /// Lets those go on whose time has come.
    pub(super) fn unpark(&mut self, now: Instant) {
        while let Some(first) = self.parked.first_entry().filter(|first| *first.key() <= now) {
            for lane in first.remove() {
                self.release(&lane);
            }
        }
    }

    /// Somebody wants it tried now, whatever there was.
    pub(super) fn press(&mut self, lane: &Lane) {
        self.parked.retain(|_, lanes| {
            lanes.retain(|parked| parked != lane);
            !lanes.is_empty()
        });
        self.release(lane);
    }

    fn release(&mut self, lane: &Lane) {
        let Some(state) = self.lanes.get_mut(lane) else { return };
        state.is_parked = false;
        if state.due.is_empty() && state.workers == 0 {
            self.lanes.remove(lane);
            return;
        }
        state.wanted = state.wanted.max(1);
        self.queue_up(lane);
    }

    /// There was nothing due for these; those marked again meanwhile stay.
    pub(super) fn exhausted(&mut self, lane: &Lane, taken: &[Marked]) {
        if let Some(state) = self.lanes.get_mut(lane) {
            state.due.retain(|marked| !taken.contains(marked));
        }
    }

    /// A server of the lane was talked to; `more` if there is reason to think that a further worker would find work.
    pub(super) fn reached(&mut self, lane: &Lane, more: bool) {
        let most = self.bounds.per_lane;
        if self.proven.len() >= MOST_PROVEN {
            self.proven.clear();
        }
        self.proven.insert(lane.clone());
        self.end_trial(lane);
        if let Some(state) = self.lanes.get_mut(lane) {
            state.was_reached = true;
            state.allowed = state.allowed.saturating_mul(2).min(most);
            if more {
                state.wanted = state.wanted.max(1);
            }
            self.queue_up(lane);
        }
    }

    /// A worker could talk to no server of the lane. While others can, we are only too many: true, and there will be fewer of us. If
    /// none can, one worker at a time is enough to find out when that changes.
    pub(super) fn is_crowded(&mut self, lane: &Lane) -> bool {
        let Some(state) = self.lanes.get_mut(lane) else {
            return false;
        };
        let others = state.workers.saturating_sub(1);
        let is_crowded = others > 0 && state.was_reached;
        state.allowed = if is_crowded { others } else { 1 };
        state.was_reached = is_crowded;
        state.wanted = 0;
        if !is_crowded {
            self.proven.remove(lane);
        }
        is_crowded
    }

    /// A worker has gone.
    pub(super) fn leave(&mut self, lane: &Lane) {
        let Some(state) = self.lanes.get_mut(lane) else { return };
        state.workers = state.workers.saturating_sub(1);
        let is_last = state.workers == 0;
        if is_last {
            self.end_trial(lane);
        }
        let Some(state) = self.lanes.get_mut(lane) else { return };
        if is_last {
            // A parked lane is still expected.
            if state.due.is_empty() && !state.is_parked {
                self.lanes.remove(lane);
                return;
            }
            state.wanted = state.wanted.max(1);
        }
        self.queue_up(lane);
    }

    fn queue_up(&mut self, lane: &Lane) {
        if let Some(state) = self.lanes.get_mut(lane)
            && state.may_start()
            && !state.is_waiting
        {
            state.is_waiting = true;
            if self.proven.contains(lane) {
                self.waiting.push_back(lane.clone());
            } else {
                self.waiting_unproven.push_back(lane.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
