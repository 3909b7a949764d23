//! Putting off what is due for destinations that cannot be reached.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::claim::Verdict;
use super::story::attempts;
use super::{Finding, Queue};
use crate::model::address::Host;
use crate::store;
use crate::store::db::queue::{self as rows, State, WaitingRow};
use crate::store::db::{Tx, Work};

/// No server of a destination could be talked to.
#[derive(Debug, Clone)]
pub struct Unreached {
    pub finding: Finding,
    /// Though the message asked for no TLS.
    pub was_tls_optional: bool,
}

/// Whether something is left that is due for a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    Nothing,
    Something,
}

/// What is due for destinations that cannot be reached, to be put off: as much as fits into a transaction for which others wait.
struct Postponement {
    queue: Queue,
    destinations: Vec<Host>,
    unreached: Unreached,
    now: Timestamp,
}

/// What came of it.
struct Postponed {
    put_off: Vec<(WaitingRow, Verdict)>,
    left: Left,
    /// There may be more to be put off.
    is_more: bool,
}

impl Work for Postponement {
    type Answer = Postponed;

    async fn write(works: &[&Self], tx: &mut Tx) -> Result<Vec<Self::Answer>, store::Error> {
        let mut answers = Vec::with_capacity(works.len());
        for work in works {
            answers.push(work.write_alone(tx).await?);
        }
        Ok(answers)
    }
}

impl Postponement {
    async fn write_alone(&self, tx: &mut Tx) -> Result<Postponed, store::Error> {
        let note = self.unreached.finding.note(self.now);
        let held_up = rows::HeldUp {
            destinations: &self.destinations,
            with_tls_optional: self.unreached.was_tls_optional,
            now: note.at,
        };
        let waiting = rows::waiting(tx, held_up).await?;
        let Some(last) = waiting.last().map(|row| row.id) else {
            let left = rows::is_any_due(tx, &self.destinations, note.at).await?;
            return Ok(Postponed {
                put_off: Vec::new(),
                left: if left { Left::Something } else { Left::Nothing },
                is_more: false,
            });
        };
        if waiting.iter().any(|row| row.expires_at <= note.at) {
            rows::fail_expired(tx, held_up, last, note).await?;
        }
        let mut next_of: BTreeMap<i64, i64> = BTreeMap::new();
        for attempts in waiting.iter().map(|row| row.attempts).collect::<BTreeSet<_>>() {
            let tries = u32::try_from(attempts).unwrap_or(u32::MAX).saturating_add(1);
            // A millisecond at least, or it would be found once more.
            let next = note.at.saturating_add(self.queue.wait_ms(tries).max(1));
            rows::postpone(tx, held_up, (attempts, last), next, note).await?;
            next_of.insert(attempts, next);
        }
        let verdict = |row: &WaitingRow| {
            if row.expires_at <= note.at {
                Verdict::End(State::FailedUnreported)
            } else {
                Verdict::Again(next_of.get(&row.attempts).copied().unwrap_or(note.at).min(row.expires_at))
            }
        };
        let verdicts: Vec<Verdict> = waiting.iter().map(verdict).collect();
        Ok(Postponed {
            put_off: waiting.into_iter().zip(verdicts).collect(),
            left: Left::Nothing,
            is_more: true,
        })
    }
}

impl Queue {
    /// Puts off all that is due for destinations that cannot be reached, as one attempt each; what is past its time fails. What goes
    /// whatever becomes of TLS may well reach them: it is left, unless it was the one that did not.
    pub async fn postpone(&self, destinations: &[Host], unreached: &Unreached) -> Result<Left, store::Error> {
        let now = self.inner.clock.now();
        loop {
            let work = Postponement {
                queue: self.clone(),
                destinations: destinations.to_vec(),
                unreached: unreached.clone(),
                now,
            };
            let done = self.inner.database.write_together(work).await?;
            for alike in done.put_off.chunk_by(|(one, _), (other, _)| one.id == other.id) {
                let Some((first, _)) = alike.first() else { continue };
                let ending = |(row, verdict): &(WaitingRow, Verdict)| verdict.ending(row.address.clone(), &unreached.finding);
                let steps = attempts((first.id, &first.sender), now, alike.iter().map(ending).collect(), None);
                self.inner.traces.tell_all(steps);
            }
            if !done.is_more {
                return Ok(done.left);
            }
        }
    }
}
