//! The stories of messages: what happened to each, from its first octet to the last report.
//!
//! `intake` and `queue` tell it step by step, `posthouse trace` asks. Telling costs nothing but memory: what was told is
//! written about once a second, with as few writes as there are messages in it, and no delivery ever waits for it. So a crash loses the
//! last second of the stories, never anything of the mail; and should the database not keep up, steps are dropped, which the log says.
//! What is older than `trace.keep_days` is forgotten.

mod fates;
mod told;

pub use fates::{Fate, FateState, fates};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::told::Told;
use super::events::Events;
use super::statistics::Statistics;
use crate::config;
use crate::model::clock::Clock;
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;
use crate::model::trace::{Event, Step, Story};
use crate::store;
use crate::store::db::{Database, traces as rows};

/// How often what was told is written.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How often what is too old is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(600);
/// How many chapters are forgotten at a time: deliveries must not wait long for it.
const FORGET_AT_ONCE: i64 = 1_000;
/// The most stories that are found at a time.
pub const MOST_FOUND: usize = 1_000;

/// The stories. Cheap to clone.
#[derive(Clone)]
pub struct Traces {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    clock: Clock,
    keep_days: u64,
    statistics: Statistics,
    events: Events,
    told: Mutex<Told>,
    /// Who writes what was told holds this, so that who waits for it hears of what was taken to be written too.
    writing: tokio::sync::Mutex<()>,
}

impl Traces {
    /// Opens the stories.
    pub fn open(database: Database, settings: &config::Trace, statistics: Statistics, events: Events, clock: Clock) -> Self {
        let inner = Inner {
            database,
            clock,
            keep_days: settings.keep_days,
            statistics,
            events,
            told: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Tells the next step of a message's story.
    pub fn tell(&self, id: MailId, step: Step) {
        self.tell_all(vec![(id, self.inner.clock.now(), step)]);
    }

    /// Tells steps with their times.
    pub fn tell_all(&self, steps: Vec<(MailId, Timestamp, Step)>) {
        for (id, at, step) in &steps {
            self.inner.statistics.count(*id, *at, step);
            self.inner.events.hear(*id, *at, step);
        }
        if self.are_kept() {
            let events = steps.into_iter().map(|(id, at, step)| {
                let at_ms = at.as_millisecond();
                (id, Event { at_ms, step })
            });
            self.inner.told().add(events);
        }
    }

    /// Who wants to hear of what happens.
    pub(in crate::mail) fn events(&self) -> &Events {
        &self.inner.events
    }

    /// Words by which a message is found: addresses in lower case, its Message-ID in angle brackets. Once a message.
    pub fn name(&self, id: MailId, words: impl IntoIterator<Item = String>) {
        if self.are_kept() {
            self.inner.told().name(id, words);
        }
    }

    /// Whether any story is kept.
    pub fn are_kept(&self) -> bool {
        self.inner.keep_days > 0
    }

    /// The story of one message, as far as this process told it and others have written it. Errors: NotFound.
    pub async fn story(&self, id: MailId) -> Result<Story, Refusal> {
        if self.are_kept() {
            self.flush().await;
        }
        let mut tx = self.inner.database.read().await?;
        let chapters = rows::chapters(&mut tx, id).await?;
        let mut events = Vec::new();
        for chapter in chapters {
            let more: Vec<Event> = serde_json::from_str(&chapter.steps).map_err(|_| store::Error::Corrupt("trace_chapters.steps"))?;
            events.extend(more);
        }
        if events.is_empty() {
            return Err(Refusal::NotFound {
                what: "story of a message",
                name: id.to_string(),
            });
        }
        // What several told in the same millisecond begins with how it came in.
        events.sort_by_key(|event| (event.at_ms, !matches!(event.step, Step::Received(_))));
        Ok(Story { id, events })
    }

    /// The messages that a word leads to, the newest first: an address in any case, or a Message-ID with or without its angle brackets.
    pub async fn find(&self, word: &str, before: Option<MailId>, limit: usize) -> Result<Vec<MailId>, Refusal> {
        let limit = limit.min(MOST_FOUND);
        let count = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut tx = self.inner.database.read().await?;
        let mut found = Vec::new();
        for word in spellings(word) {
            found.extend(rows::find(&mut tx, &word, before, count).await?);
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        found.dedup();
        found.truncate(limit);
        Ok(found)
    }

    /// Works until `cancel`: writes what is told, forgets what is old. What was told before `cancel` is written.
    pub async fn run(self, cancel: CancellationToken) {
        let mut next_forgetting = Instant::now();
        while !cancel.is_cancelled() {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = sleep(FLUSH_EVERY) => {}
            }
            self.flush().await;
            if let Err(error) = self.inner.statistics.flush().await {
                tracing::warn!(%error, "some numbers of messages are lost");
            }
            if next_forgetting <= Instant::now() {
                next_forgetting = Instant::now() + FORGET_EVERY;
                if let Err(error) = self.inner.statistics.forget().await {
                    tracing::error!(%error, "old numbers of messages cannot be forgotten");
                }
                if let Err(error) = self.forget(&cancel).await {
                    tracing::error!(%error, "old stories of messages cannot be forgotten");
                }
            }
        }
    }

    /// Writes what was told so far.
    pub async fn flush(&self) {
        let _writing = self.inner.writing.lock().await;
        loop {
            let (portion, lost) = self.inner.told().take();
            if lost > 0 {
                tracing::error!(
                    steps = lost,
                    "the database does not keep up: parts of the stories of messages are lost"
                );
            }
            let Some(portion) = portion else { return };
            let again = portion.clone();
            match self.inner.database.write_together(portion).await {
                Ok(()) => {}
                // It was written before, though the database could not say so any more.
                Err(store::Error::Conflict) => tracing::debug!("parts of the stories of messages were written already"),
                Err(error) => {
                    tracing::warn!(%error, "parts of the stories of messages cannot be written yet");
                    return self.inner.told().give_back(again);
                }
            }
        }
    }

    async fn forget(&self, cancel: &CancellationToken) -> Result<(), store::Error> {
        let days = i64::try_from(self.inner.keep_days).unwrap_or(i64::MAX);
        let kept = SignedDuration::from_hours(days.saturating_mul(24));
        let first = MailId::earliest(self.inner.clock.now().saturating_sub(kept).unwrap_or(Timestamp::MIN));
        while !cancel.is_cancelled() {
            let mut tx = self.inner.database.write().await?;
            let more = rows::forget(&mut tx, first, FORGET_AT_ONCE).await?;
            tx.commit().await?;
            if !more {
                break;
            }
        }
        Ok(())
    }
}

impl Inner {
    /// What is behind the lock is whole after each call, so a panic elsewhere does not spoil it.
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The words that somebody may mean.
fn spellings(word: &str) -> Vec<String> {
    let word = word.trim();
    if word.starts_with('<') {
        return vec![word.to_owned()];
    }
    vec![word.to_lowercase(), format!("<{word}>")]
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    struct House {
        traces: Traces,
        database: Database,
        clock: Arc<AtomicI64>,
        _folder: tempfile::TempDir,
    }

    impl House {
        async fn new(keep_days: u64) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let database = Database::open(&config::Database::default(), folder.path()).await.unwrap();
            let clock = Arc::new(AtomicI64::new(Timestamp::now().as_millisecond()));
            let settings = config::Trace { keep_days };
            Self {
                traces: {
                    let clock = Clock::Manual(Arc::clone(&clock));
                    let statistics = Statistics::open(database.clone(), folder.path().into(), clock.clone());
                    let events = Events::open(database.clone(), &config::Events::default(), clock.clone());
                    Traces::open(database.clone(), &settings, statistics, events, clock)
                },
                database,
                clock,
                _folder: folder,
            }
        }
    }

    fn stored(user: &str) -> Step {
        Step::Stored { user: user.into() }
    }

    fn users(story: &Story) -> Vec<&str> {
        let user = |event: &'_ Event| match &event.step {
            Step::Stored { user } => user.clone(),
            other => panic!("{other}"),
        };
        story.events.iter().map(user).map(String::leak).map(|it| &*it).collect()
    }

    #[tokio::test]
    async fn stories_are_found_by_their_words_and_told_in_order() {
        let house = House::new(1).await;
        let (first, second) = (MailId::fresh(), MailId::fresh());
        house.traces.name(first, ["ada@house.test".into(), "<1@house.test>".into()]);
        house.traces.name(second, ["ada@house.test".into()]);
        house.traces.tell(first, stored("a"));
        house.traces.tell(second, stored("b"));
        house.clock.fetch_add(5, Ordering::SeqCst);
        house.traces.tell(first, stored("c"));
        house.traces.flush().await;
        house.clock.fetch_add(5, Ordering::SeqCst);
        house.traces.tell(first, stored("d"));
        house.traces.flush().await;
        for word in ["Ada@House.test", " ada@house.test"] {
            assert_eq!(house.traces.find(word, None, 9).await.unwrap(), [second, first], "{word}");
        }
        assert_eq!(house.traces.find("ada@house.test", Some(second), 9).await.unwrap(), [first]);
        for word in ["<1@house.test>", "1@house.test"] {
            assert_eq!(house.traces.find(word, None, 9).await.unwrap(), [first], "{word}");
        }
        assert_eq!(users(&house.traces.story(first).await.unwrap()), ["a", "c", "d"]);
        let mut tx = house.database.read().await.unwrap();
        assert_eq!(
            rows::chapters(&mut tx, first).await.unwrap().len(),
            2,
            "what came together is kept together"
        );
        drop(tx);
        assert!(matches!(house.traces.story(MailId(1)).await, Err(Refusal::NotFound { .. })));
    }

    #[tokio::test]
    async fn what_is_old_is_forgotten_and_a_house_may_keep_none() {
        let house = House::new(1).await;
        let ids: Vec<MailId> = (0..2_500).map(|_| MailId::fresh()).collect();
        for id in &ids {
            house.traces.name(*id, [format!("{id}@house.test")]);
            house.traces.tell(*id, stored("a"));
        }
        house.traces.flush().await;
        let cancel = CancellationToken::new();
        house.clock.fetch_add(86_000_000, Ordering::SeqCst);
        house.traces.forget(&cancel).await.unwrap();
        assert!(house.traces.story(ids[0]).await.is_ok());
        house.clock.fetch_add(500_000, Ordering::SeqCst);
        house.traces.forget(&cancel).await.unwrap();
        for id in [ids[0], ids[2_499]] {
            assert!(house.traces.story(id).await.is_err());
            assert_eq!(house.traces.find(&format!("{id}@house.test"), None, 9).await.unwrap(), []);
        }
        let none = House::new(0).await;
        none.traces.tell(ids[0], stored("a"));
        none.traces.flush().await;
        assert!(none.traces.story(ids[0]).await.is_err());
    }
}
