//! What was learned, in the database and in memory.
//!
//! A message is judged by what is in memory, so that it waits for no database; what others have learned since, other nodes too, is fetched
//! in the background once in a while, only what has changed. What one learns oneself is seen at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::bayes::{self, Knowledge, Lesson};
use crate::model::clock::{Clock, DAY_MS};
use crate::model::ids::UserId;
use crate::store::Error;
use crate::store::db::spam::{self, Classes, Taught};
use crate::store::db::{Database, Tx};

/// After so long it is asked what has changed.
const FRESH_MS: i64 = 30_000;
/// Nodes' clocks may be so far apart.
const APART_MS: i64 = 60_000;
/// So many owners' knowledge is in memory; the one that was not used for longest goes.
const IN_MEMORY: usize = 64;
/// How many tokens are dropped in one transaction.
const DROPPED: i64 = 5_000;
/// What was met in a few messages only (in one that was hard to tell, see [`bayes::HEAVIEST`]) is forgotten this many times sooner.
const RARE: i64 = 4;

/// Whose knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// That of the whole server.
    Server,
    /// That of a user.
    User(UserId),
}

impl Owner {
    fn id(self) -> i64 {
        match self {
            Self::Server => 0,
            Self::User(id) => id.0,
        }
    }
}

/// What came of a lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learnt {
    /// It was learned.
    New,
    /// It had been learned as the other kind, which was undone.
    Moved,
    /// It had been learned before.
    Known,
    /// Too much of this kind was learned already, against what was learned of the other.
    Unbalanced,
}

/// How much is learned and kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The most tokens of an owner.
    pub max_tokens: i64,
    /// How many times more of one kind may be learned than of the other; 0: as many as come.
    pub max_ratio: i64,
    /// From so many messages on that is looked at.
    pub min_learns: i64,
    /// After so many days a token that nobody has met is forgotten.
    pub expire_days: i64,
}

/// The door to it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Learned {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    clock: Clock,
    limits: Limits,
    minds: Mutex<HashMap<i64, Arc<Mind>>>,
}

/// The knowledge of an owner in memory.
struct Mind {
    knowledge: RwLock<Knowledge>,
    state: Mutex<State>,
    /// One at a time fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Default)]
struct State {
    is_there: bool,
    asked_ms: i64,
    changed_ms: i64,
    used_ms: i64,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The knowledge of an owner, to ask.
#[derive(Clone)]
pub(super) struct Asked(Arc<Mind>);

impl Asked {
    /// See [`Knowledge::evidence`].
    pub(super) fn evidence(&self, tokens: &[i64], min_learns: u32) -> Option<f64> {
        let knowledge = self.0.knowledge.read().unwrap_or_else(PoisonError::into_inner);
        knowledge.evidence(tokens, min_learns)
    }

    /// How many messages of either kind were learned.
    pub(super) fn counts(&self) -> (u32, u32) {
        let knowledge = self.0.knowledge.read().unwrap_or_else(PoisonError::into_inner);
        (knowledge.spam, knowledge.ham)
    }
}

impl Learned {
    pub(super) fn open(database: Database, clock: Clock, limits: Limits) -> Self {
        Self {
            inner: Arc::new(Inner {
                database,
                clock,
                limits,
                minds: Mutex::default(),
            }),
        }
    }

    /// What an owner knows. It is fetched where it is not in memory, and asked for in the background where it may be old.
    pub(super) async fn of(&self, owner: Owner) -> Result<Asked, Error> {
        let mind = self.inner.mind(owner.id());
        let state = *locked(&mind.state);
        let is_old = self.inner.clock.now_ms().saturating_sub(state.asked_ms) > FRESH_MS;
        match (state.is_there, is_old) {
            (false, _) => self.inner.fetch(owner.id(), &mind).await?,
            (true, true) => {
                let (inner, mind) = (Arc::clone(&self.inner), Arc::clone(&mind));
                tokio::spawn(async move {
                    if let Err(error) = inner.fetch(owner.id(), &mind).await {
                        tracing::warn!(%error, "what was learned of spam could not be fetched anew");
                    }
                });
            }
            (true, false) => {}
        }
        Ok(Asked(mind))
    }

    /// Learns a message for an owner.
    pub(super) async fn learn(&self, owner: Owner, lesson: &Lesson, (is_spam, is_asked): (bool, bool)) -> Result<Learnt, Error> {
        let Inner {
            database, clock, limits, ..
        } = &*self.inner;
        let (id, now) = (owner.id(), clock.now_ms());
        // It may be in memory no longer, or not yet; what others learn meanwhile changes little.
        let weight = Lesson::weight(self.of(owner).await?.evidence(&lesson.tokens, 1), is_spam);
        let mind = self.inner.mind(id);
        // What is fetched at the same moment would have it already, and it would be added twice.
        let _alone = mind.fetching.lock().await;
        let mut tx = database.write().await?;
        let taught = spam::lock_classes(&mut tx, id).await?;
        let before = spam::lesson(&mut tx, id, &lesson.mark).await?;
        if before.is_some_and(|before| before.is_spam == is_spam) {
            return Ok(Learnt::Known);
        }
        // Who asks for it by hand knows why.
        if before.is_none() && !is_asked && limits.is_unbalanced(taught.messages, is_spam) {
            return Ok(Learnt::Unbalanced);
        }
        let this = spam::Lesson { is_spam, weight };
        let change = change(before, this);
        spam::count(&mut tx, id, &lesson.tokens, change.weights, now).await?;
        match before {
            None => spam::insert_lesson(&mut tx, id, &lesson.mark, (this, now)).await?,
            Some(_) => spam::update_lesson(&mut tx, id, &lesson.mark, (this, now)).await?,
        }
        let taught = Taught {
            messages: sum(taught.messages, change.messages),
            weights: sum(taught.weights, change.weights),
        };
        spam::set_classes(&mut tx, id, taught).await?;
        tx.commit().await?;
        mind.take_in(&lesson.tokens, change.weights, taught);
        Ok(if before.is_some() { Learnt::Moved } else { Learnt::New })
    }

    /// Forgets what is old, and what is more than is kept. How many tokens went.
    pub(super) async fn forget(&self) -> Result<u64, Error> {
        let Inner {
            database, clock, limits, ..
        } = &*self.inner;
        let now = clock.now_ms();
        let keep_ms = limits.expire_days.saturating_mul(DAY_MS);
        let mut gone = 0;
        let owners = spam::owners(&mut database.read_alone().await?).await?;
        for owner in owners {
            for (before, is_rare) in [(now - keep_ms, false), (now - keep_ms / RARE, true)] {
                gone += self.drop_tokens(owner, before, (is_rare, i64::MAX)).await?;
            }
            let more = spam::count_tokens(&mut database.read_alone().await?, owner).await? - limits.max_tokens;
            if more > 0 {
                gone += self.drop_tokens(owner, now, (true, more)).await?;
            }
        }
        let mut tx = database.write().await?;
        spam::forget_lessons(&mut tx, now - keep_ms).await?;
        tx.commit().await?;
        Ok(gone)
    }

    async fn drop_tokens(&self, owner: i64, before: i64, (is_rare, most): (bool, i64)) -> Result<u64, Error> {
        let (mut gone, mut left) = (0, most);
        let most_met = if is_rare { bayes::HEAVIEST } else { i64::MAX };
        while left > 0 {
            let portion = left.min(DROPPED);
            let mut tx = self.inner.database.write().await?;
            let dropped = spam::forget_tokens(&mut tx, owner, before, (most_met, portion)).await?;
            tx.commit().await?;
            gone += dropped;
            let dropped = i64::try_from(dropped).unwrap_or(i64::MAX);
            left -= dropped;
            if dropped < portion {
                break;
            }
        }
        Ok(gone)
    }
}

impl Limits {
    /// Whether one more of this kind would be too much against the other.
    fn is_unbalanced(&self, classes: Classes, is_spam: bool) -> bool {
        let (this, other) = if is_spam {
            (classes.spam, classes.ham)
        } else {
            (classes.ham, classes.spam)
        };
        self.max_ratio > 0 && this >= self.min_learns && this >= other.max(1).saturating_mul(self.max_ratio)
    }
}

impl Mind {
    /// Adds what was learned, if the rest is in memory.
    fn take_in(&self, tokens: &[i64], change: Classes, taught: Taught) {
        if !locked(&self.state).is_there {
            return;
        }
        let add = |count: u32, change: i64| clipped(i64::from(count).saturating_add(change));
        let mut knowledge = self.knowledge.write().unwrap_or_else(PoisonError::into_inner);
        count(&mut knowledge, taught);
        for token in tokens {
            let counts = knowledge.tokens.entry(*token).or_default();
            *counts = (add(counts.0, change.spam), add(counts.1, change.ham));
        }
    }
}

/// A count of the database, as it is in memory.
fn clipped(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

/// How much of either kind was learned.
fn count(knowledge: &mut Knowledge, taught: Taught) {
    (knowledge.spam, knowledge.ham) = (clipped(taught.messages.spam), clipped(taught.messages.ham));
    (knowledge.spam_weight, knowledge.ham_weight) = (clipped(taught.weights.spam), clipped(taught.weights.ham));
}

fn sum(one: Classes, other: Classes) -> Classes {
    Classes {
        spam: (one.spam + other.spam).max(0),
        ham: (one.ham + other.ham).max(0),
    }
}

/// What is to be added to the counts of messages, and, by weights, to those of tokens.
fn change(before: Option<spam::Lesson>, now: spam::Lesson) -> Taught {
    let of = |lesson: spam::Lesson, count: i64| match lesson.is_spam {
        true => Classes { spam: count, ham: 0 },
        false => Classes { spam: 0, ham: count },
    };
    let change = |now: Classes, before: Option<Classes>| {
        let before = before.unwrap_or_default();
        Classes {
            spam: now.spam - before.spam,
            ham: now.ham - before.ham,
        }
    };
    Taught {
        messages: change(of(now, 1), before.map(|it| of(it, 1))),
        weights: change(of(now, now.weight), before.map(|it| of(it, it.weight))),
    }
}

impl Inner {
    fn mind(&self, owner: i64) -> Arc<Mind> {
        let now = self.clock.now_ms();
        let mut minds = locked(&self.minds);
        if minds.len() >= IN_MEMORY && !minds.contains_key(&owner) {
            let oldest = minds
                .iter()
                .min_by_key(|(_, mind)| locked(&mind.state).used_ms)
                .map(|(owner, _)| *owner);
            oldest.and_then(|owner| minds.remove(&owner));
        }
        let mind = minds.entry(owner).or_insert_with(|| {
            Arc::new(Mind {
                knowledge: RwLock::default(),
                state: Mutex::default(),
                fetching: tokio::sync::Mutex::default(),
            })
        });
        locked(&mind.state).used_ms = now;
        Arc::clone(mind)
    }

    /// Takes in what has changed since the last time.
    async fn fetch(&self, owner: i64, mind: &Mind) -> Result<(), Error> {
        let _fetching = mind.fetching.lock().await;
        let state = *locked(&mind.state);
        let now = self.clock.now_ms();
        let since = if state.is_there { state.changed_ms - APART_MS } else { 0 };
        let mut tx: Tx = self.database.read().await?;
        let taught = spam::classes(&mut tx, owner).await?;
        let changed = spam::tokens_since(&mut tx, owner, since, self.limits.max_tokens).await?;
        drop(tx);
        let last = changed.first().map_or(state.changed_ms, |(_, at)| (*at).max(state.changed_ms));
        {
            let mut knowledge = mind.knowledge.write().unwrap_or_else(PoisonError::into_inner);
            count(&mut knowledge, taught);
            for (it, _) in changed {
                knowledge.tokens.insert(it.token, (clipped(it.spam), clipped(it.ham)));
            }
        }
        let mut state = locked(&mind.state);
        (state.is_there, state.asked_ms, state.changed_ms) = (true, now, last);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        max_tokens: 100,
        max_ratio: 5,
        min_learns: 10,
        expire_days: 100,
    };

    #[test]
    fn changes_undo_what_was_learned() {
        let lesson = |is_spam, weight| spam::Lesson { is_spam, weight };
        let change = |before: Option<(bool, i64)>, is_spam, weight| {
            let before = before.map(|(is_spam, weight)| lesson(is_spam, weight));
            let Taught { messages, weights } = change(before, lesson(is_spam, weight));
            ((messages.spam, messages.ham), (weights.spam, weights.ham))
        };
        assert_eq!(change(None, true, 5), ((1, 0), (5, 0)));
        assert_eq!(change(None, false, 1), ((0, 1), (0, 1)));
        assert_eq!(change(Some((false, 5)), true, 1), ((1, -1), (1, -5)));
        assert_eq!(change(Some((true, 1)), false, 5), ((-1, 1), (-1, 5)));
    }

    #[test]
    fn one_kind_cannot_outgrow_the_other() {
        let classes = |spam, ham| Classes { spam, ham };
        assert!(!LIMITS.is_unbalanced(classes(9, 0), true));
        assert!(LIMITS.is_unbalanced(classes(10, 0), true));
        assert!(!LIMITS.is_unbalanced(classes(49, 10), true));
        assert!(LIMITS.is_unbalanced(classes(50, 10), true));
        assert!(!LIMITS.is_unbalanced(classes(50, 10), false));
    }

    async fn learned() -> (tempfile::TempDir, Learned, Arc<std::sync::atomic::AtomicI64>) {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&crate::config::Database::default(), dir.path()).await.unwrap();
        let now = Arc::new(std::sync::atomic::AtomicI64::new(1_000 * DAY_MS));
        let learned = Learned::open(database, Clock::Manual(Arc::clone(&now)), LIMITS);
        (dir, learned, now)
    }

    fn lesson(number: u8, tokens: std::ops::Range<i64>) -> Lesson {
        Lesson {
            mark: vec![number; 16],
            tokens: tokens.collect(),
        }
    }

    #[tokio::test]
    async fn lessons_are_learned_once_and_moved() {
        let (_dir, learned, _) = learned().await;
        let owner = Owner::User(UserId(7));
        let (spam, ham) = ((true, false), (false, false));
        assert_eq!(learned.learn(owner, &lesson(1, 0..40), spam).await.unwrap(), Learnt::New);
        assert_eq!(learned.learn(owner, &lesson(1, 0..40), spam).await.unwrap(), Learnt::Known);
        assert_eq!(learned.learn(owner, &lesson(2, 20..60), ham).await.unwrap(), Learnt::New);
        assert_eq!(learned.of(owner).await.unwrap().counts(), (1, 1));
        assert_eq!(learned.of(Owner::Server).await.unwrap().counts(), (0, 0));
        assert!(learned.of(owner).await.unwrap().evidence(&lesson(3, 0..20).tokens, 1).unwrap() > 3.0);
        assert_eq!(learned.learn(owner, &lesson(1, 0..40), ham).await.unwrap(), Learnt::Moved);
        assert_eq!(learned.of(owner).await.unwrap().counts(), (0, 2));
    }

    #[tokio::test]
    async fn what_is_old_or_too_much_is_forgotten() {
        let (_dir, learned, now) = learned().await;
        let owner = Owner::Server;
        learned.learn(owner, &lesson(1, 0..90), (true, false)).await.unwrap();
        learned.learn(owner, &lesson(2, 0..10), (false, false)).await.unwrap();
        assert_eq!(learned.forget().await.unwrap(), 0);
        now.fetch_add(30 * DAY_MS, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(learned.forget().await.unwrap(), 80, "those met once go sooner");
        now.fetch_add(80 * DAY_MS, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(learned.forget().await.unwrap(), 10);
        learned.learn(owner, &lesson(3, 0..150), (true, false)).await.unwrap();
        now.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(learned.forget().await.unwrap(), 50);
    }
}
