//! What the operator does with the queue: hold, release, try now, give up, drop.

use std::collections::BTreeSet;

use super::{Queue, not_found};
use crate::model::address::Host;
use crate::model::ids::MailId;
use crate::model::queue::{QueueFilter, Steering};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::queue::{self as rows, Rest, Target};

/// How many recipients are changed in one transaction: deliveries must not wait long for it.
const AT_ONCE: usize = 500;

impl Queue {
    /// Does a step with all recipients that the filter picks and that are in a state for it; how many there were. A change holds
    /// even if a later one fails.
    pub async fn steer(&self, filter: &QueueFilter, steering: Steering) -> Result<u64, Refusal> {
        let mut after = (i64::MIN, i64::MIN);
        let mut count = 0_u64;
        loop {
            let (last, done) = self.steer_some(filter, steering, after).await?;
            count = count.saturating_add(done);
            match last {
                Some(last) => after = last,
                None => return Ok(count),
            }
        }
    }

    /// The same with one message, which must be there.
    pub async fn steer_one(&self, id: MailId, steering: Steering) -> Result<u64, Refusal> {
        let mut tx = self.inner.database.read().await?;
        if !rows::is_known(&mut tx, id).await? {
            return Err(not_found(id));
        }
        drop(tx);
        let filter = QueueFilter {
            id: Some(id),
            ..QueueFilter::default()
        };
        self.steer(&filter, steering).await
    }

    /// The next of them, in one transaction: the last one's key, if there may be more, and how many were changed.
    async fn steer_some(&self, filter: &QueueFilter, steering: Steering, after: (i64, i64)) -> Result<(Option<(i64, i64)>, u64), Refusal> {
        let now = self.inner.clock.now_ms();
        let mut tx = self.inner.database.write().await?;
        let targets = rows::targets(&mut tx, filter, steering, after, AT_ONCE).await?;
        let mut done = Vec::with_capacity(targets.len());
        let mut held = None;
        for target in &targets {
            // Messages come in the order of their ids, here and in every other bulk step, so two of these do not wait for each other.
            if held != Some(target.id) {
                rows::hold(&mut tx, target.id, now).await?;
                held = Some(target.id);
            }
            if rows::steer(&mut tx, target, steering, now, &given_up(target)).await? {
                done.push(target);
            }
        }
        let gone = if steering == Steering::Remove {
            finish(&mut tx, &done).await?
        } else {
            Vec::new()
        };
        tx.commit().await?;
        self.follow_up(steering, &done).await;
        for id in gone {
            self.remove_file(id).await;
        }
        let last = targets.last().filter(|_| targets.len() == AT_ONCE);
        Ok((last.map(|last| (last.id.0, last.position)), done.len() as u64))
    }

    async fn follow_up(&self, steering: Steering, done: &[&Target]) {
        let told = done.iter().map(|target| (target.id, target.address.as_str()));
        self.inner.traces.tell_all(super::story::steered(steering, self.now(), told));
        for target in done {
            tracing::info!(id = %target.id, to = target.address, step = ?steering, "steered by the operator");
        }
        let destinations: BTreeSet<Host> = match steering {
            Steering::Release | Steering::Retry => done.iter().map(|target| target.destination.clone()).collect(),
            // Without destinations the ledger is looked at, which finds the reports.
            Steering::Expire => BTreeSet::new(),
            Steering::Hold | Steering::Remove => return,
        };
        if !done.is_empty() {
            self.press(destinations);
        }
    }
}

/// What the sender of a message is told that was given up.
fn given_up(target: &Target) -> String {
    let last = target.last_error.as_deref().map(|text| format!("; the last answer was: {text}"));
    format!(
        "given up by the administrator of this server before its time{}",
        last.unwrap_or_default()
    )
}

/// Removes the rows of the messages for which nothing is left to do; which these are.
async fn finish(tx: &mut store::db::Tx, done: &[&Target]) -> Result<Vec<MailId>, Refusal> {
    let ids: BTreeSet<MailId> = done.iter().map(|target| target.id).collect();
    let mut gone = Vec::new();
    for id in ids {
        if rows::finish(tx, id).await? == Rest::Nothing {
            gone.push(id);
        }
    }
    Ok(gone)
}
