//! Events: what happens to messages, users and domains, for programs that want to hear of it.
//!
//! They stand in the database with numbers that grow, one log for all nodes, so that a listener goes on where it was. `traces`, the
//! directory and the mailboxes tell; telling costs nothing but memory: what was told is written about twice a second, and no delivery ever
//! waits for it. So a crash loses the last moment of it, but for changes of the directory, which are written in their own transaction. Should
//! the database not keep up, events are dropped, which the log says. They are kept for `events.keep_days`, and no more than `events.max_kept`.

mod messages;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::directory::{MOST_OF_PAGE, Page};
use crate::config;
use crate::model::address::{Domain, EmailAddress};
use crate::model::audit::AuditEntry;
use crate::model::clock::Clock;
use crate::model::event::{Event, EventKind, NewEvent};
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;
use crate::model::trace::Step;
use crate::store;
use crate::store::db::{Database, Tx, Work, events as rows};

/// How often what was told is written, and looked whether others have written.
const FLUSH_EVERY: Duration = Duration::from_millis(500);
/// How often what is too old is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// How many events are forgotten at a time: deliveries must not wait long for it.
const FORGET_AT_ONCE: i64 = 2_000;
/// The most events that wait to be written, and how many are written at a time.
const MOST_WAITING: usize = 20_000;
const PORTION: usize = 500;
/// How often a portion is tried: then it is taken for one that the database will never take.
const TRIES: u32 = 300;

/// Which events are asked for. What is `None` or empty picks all.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of these kinds.
    pub kinds: Vec<EventKind>,
    /// In these domains.
    pub domains: Option<Vec<Domain>>,
    /// From this moment on.
    pub since: Option<Timestamp>,
}

/// The events. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    settings: config::Events,
    clock: Clock,
    told: Mutex<Told>,
    /// What is known of messages under way.
    messages: messages::UnderWay,
    /// The number of the last event that was written, as far as this node knows.
    newest: watch::Sender<i64>,
    /// Who writes what was told holds this.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Told {
    waiting: VecDeque<NewEvent>,
    lost: u64,
    /// A portion that could not be written, and how often it was tried.
    back: Option<(Portion, u32)>,
}

impl Events {
    /// Opens the events.
    pub fn open(database: Database, settings: &config::Events, clock: Clock) -> Self {
        let inner = Inner {
            database,
            settings: settings.clone(),
            clock,
            told: Mutex::default(),
            messages: messages::UnderWay::default(),
            newest: watch::Sender::new(0),
            writing: tokio::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether any event is kept.
    pub fn are_kept(&self) -> bool {
        self.inner.settings.keep_days > 0
    }

    /// Tells what happened at this moment.
    pub(in crate::mail) fn tell(&self, kind: EventKind, domain: Option<Domain>, data: Value) {
        let at = self.inner.clock.now();
        self.tell_all(vec![NewEvent { at, kind, domain, data }]);
    }

    /// Tells what happened to a user, by their login.
    pub(in crate::mail) fn tell_of_user(&self, kind: EventKind, login: &str, data: Value) {
        let address = login.parse::<EmailAddress>().ok();
        self.tell(kind, address.as_ref().and_then(EmailAddress::domain).cloned(), data);
    }

    /// Tells of the next step of a message.
    pub(in crate::mail) fn hear(&self, id: MailId, at: Timestamp, step: &Step) {
        if self.are_kept() {
            self.tell_all(self.inner.messages.events(id, at, step));
        }
    }

    /// Tells that a message was taken for spam.
    pub(in crate::mail) fn hear_of_junk(&self, id: MailId, score: Option<f64>) {
        if self.are_kept() {
            self.tell_all(self.inner.messages.junked(id, self.inner.clock.now(), score));
        }
    }

    fn tell_all(&self, events: Vec<NewEvent>) {
        if !self.are_kept() {
            return;
        }
        let mut told = self.inner.told();
        for event in events {
            match told.waiting.len() < MOST_WAITING {
                true => told.waiting.push_back(event),
                false => told.lost = told.lost.saturating_add(1),
            }
        }
    }

    /// Writes what was changed in the directory, in the transaction of the change.
    pub(in crate::mail) async fn write_changes(&self, tx: &mut Tx, changes: &[AuditEntry]) -> Result<(), store::Error> {
        if !self.are_kept() {
            return Ok(());
        }
        let events: Vec<NewEvent> = changes.iter().filter_map(|entry| self.of_change(entry)).collect();
        if !events.is_empty() {
            rows::append(tx, &events).await?;
        }
        Ok(())
    }

    fn of_change(&self, entry: &AuditEntry) -> Option<NewEvent> {
        let mut data = json!({
            "resource": entry.resource.to_string(),
            "actor": { "kind": entry.actor.kind.as_str(), "name": entry.actor.name },
        });
        if let Some(fields) = data.as_object_mut() {
            let states = [("before", &entry.before), ("after", &entry.after)];
            fields.extend(
                states
                    .into_iter()
                    .filter_map(|(name, state)| Some((name.to_owned(), state.clone()?))),
            );
        }
        Some(NewEvent {
            at: self.inner.clock.now(),
            kind: EventKind::of(entry.deed)?,
            domain: entry.resource.domain.clone(),
            data,
        })
    }

    /// A page of the events after a number, the oldest first: with the number to go on from, if there are more. Errors: TryLater.
    pub async fn list(&self, filter: &EventFilter, after: i64, limit: usize) -> Result<Page<Event>, Refusal> {
        let limit = limit.clamp(1, MOST_OF_PAGE);
        let one_more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
        let mut items = self.read(filter, after, None, one_more).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more {
            items.last().map(|event| event.number.to_string())
        } else {
            None
        };
        Ok(Page { items, next })
    }

    /// At most `limit` events after a number and up to another. Errors: TryLater.
    pub async fn read(&self, filter: &EventFilter, after: i64, until: Option<i64>, limit: i64) -> Result<Vec<Event>, Refusal> {
        let which = rows::Which {
            kinds: filter.kinds.clone(),
            domains: filter.domains.clone(),
            since_ms: filter.since.map(Timestamp::as_millisecond),
            after,
            until,
        };
        let mut tx = self.inner.database.read_alone().await?;
        Ok(rows::page(&mut tx, &which, limit).await?)
    }

    /// The number of the last event. Errors: TryLater.
    pub async fn newest(&self) -> Result<i64, Refusal> {
        Ok(rows::newest(&mut self.inner.database.read_alone().await?).await?)
    }

    /// Hears the number of the last event whenever there are new ones, of any node.
    pub fn watch(&self) -> watch::Receiver<i64> {
        self.inner.newest.subscribe()
    }

    /// Works until `cancel`: writes what is told, hears of others, forgets what is old. What was told before `cancel` is written.
    pub async fn run(self, cancel: CancellationToken) {
        let mut next_forgetting = Instant::now();
        while !cancel.is_cancelled() {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = sleep(FLUSH_EVERY) => {}
            }
            self.flush().await;
            self.look().await;
            if next_forgetting <= Instant::now() {
                next_forgetting = Instant::now() + FORGET_EVERY;
                if let Err(error) = self.forget(&cancel).await {
                    tracing::error!(%error, "old events cannot be forgotten");
                }
            }
        }
    }

    /// Writes what was told so far.
    pub async fn flush(&self) {
        let _writing = self.inner.writing.lock().await;
        loop {
            let (portion, tries, lost) = self.inner.told().take();
            if lost > 0 {
                tracing::error!(events = lost, "the database does not keep up: events are lost");
            }
            let Some(portion) = portion else { return };
            match self.inner.database.write_together(portion.clone()).await {
                Ok(number) => self.announce(number),
                Err(error) => {
                    tracing::warn!(%error, "events cannot be written yet");
                    return self.inner.told().give_back(portion, tries);
                }
            }
        }
    }

    /// Looks whether there are new events, if anybody listens.
    async fn look(&self) {
        if self.inner.newest.receiver_count() == 0 {
            return;
        }
        match self.newest().await {
            Ok(number) => self.announce(number),
            Err(error) => tracing::debug!(%error, "it cannot be seen whether there are new events"),
        }
    }

    fn announce(&self, number: i64) {
        self.inner.newest.send_if_modified(|newest| {
            let is_new = number > *newest;
            *newest = number.max(*newest);
            is_new
        });
    }

    async fn forget(&self, cancel: &CancellationToken) -> Result<(), store::Error> {
        let days = i64::try_from(self.inner.settings.keep_days).unwrap_or(i64::MAX);
        let kept = SignedDuration::from_hours(days.saturating_mul(24));
        let before = self.inner.clock.now().saturating_sub(kept).unwrap_or(Timestamp::MIN);
        let most = i64::try_from(self.inner.settings.max_kept).unwrap_or(i64::MAX);
        while !cancel.is_cancelled() {
            let mut tx = self.inner.database.read().await?;
            let expired = rows::expired(&mut tx, before.as_millisecond(), most, FORGET_AT_ONCE).await?;
            drop(tx);
            let Some(number) = expired else { break };
            let mut tx = self.inner.database.write().await?;
            rows::forget(&mut tx, number).await?;
            tx.commit().await?;
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

impl Told {
    /// What is to be written next, how often it was tried, and how much was lost since the last time.
    fn take(&mut self) -> (Option<Portion>, u32, u64) {
        let lost = std::mem::take(&mut self.lost);
        if let Some((portion, tries)) = self.back.take() {
            return (Some(portion), tries, lost);
        }
        let count = self.waiting.len().min(PORTION);
        let events: Vec<NewEvent> = self.waiting.drain(..count).collect();
        let portion = (!events.is_empty()).then(|| Portion { events: events.into() });
        (portion, 0, lost)
    }

    /// It could not be written; it is the next that is taken, but not for ever.
    fn give_back(&mut self, portion: Portion, tries: u32) {
        match tries.saturating_add(1) {
            tries if tries < TRIES => self.back = Some((portion, tries)),
            _ => self.lost = self.lost.saturating_add(u64::try_from(portion.events.len()).unwrap_or(u64::MAX)),
        }
    }
}

/// What is written at a time.
#[derive(Clone)]
struct Portion {
    events: Arc<[NewEvent]>,
}

impl Work for Portion {
    type Answer = i64;

    async fn write(works: &[&Self], tx: &mut Tx) -> Result<Vec<i64>, store::Error> {
        let mut answers = Vec::with_capacity(works.len());
        for work in works {
            answers.push(rows::append(tx, &work.events).await?);
        }
        Ok(answers)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    async fn house(settings: config::Events) -> (Events, Arc<AtomicI64>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&config::Database::default(), folder.path()).await.unwrap();
        let clock = Arc::new(AtomicI64::new(1_800_000_000_000));
        let events = Events::open(database, &settings, Clock::Manual(Arc::clone(&clock)));
        (events, clock, folder)
    }

    async fn numbers(events: &Events, filter: &EventFilter, after: i64) -> Vec<i64> {
        let page = events.list(filter, after, 10_000).await.unwrap();
        page.items.iter().map(|event| event.number).collect()
    }

    #[tokio::test]
    async fn events_have_growing_numbers_and_are_picked_by_kind_and_domain() {
        let (events, clock, _folder) = house(config::Events::default()).await;
        let mut watch = events.watch();
        events.tell_of_user(EventKind::LoginFailed, "ada@house.test", json!({"n": 1}));
        events.tell_of_user(EventKind::QuotaNear, "bob@other.test", json!({"n": 2}));
        clock.fetch_add(1_000, Ordering::SeqCst);
        events.tell_of_user(EventKind::LoginFailed, "admin", json!({"n": 3}));
        events.flush().await;
        assert!(watch.has_changed().unwrap());
        assert_eq!(*watch.borrow_and_update(), 3);
        let all = EventFilter::default();
        assert_eq!(numbers(&events, &all, 0).await, [1, 2, 3]);
        assert_eq!(numbers(&events, &all, 2).await, [3]);
        let logins = EventFilter {
            kinds: vec![EventKind::LoginFailed],
            ..EventFilter::default()
        };
        assert_eq!(numbers(&events, &logins, 0).await, [1, 3]);
        let of_house = EventFilter {
            domains: Some(vec!["house.test".parse().unwrap()]),
            ..EventFilter::default()
        };
        assert_eq!(numbers(&events, &of_house, 0).await, [1]);
        let late = EventFilter {
            since: Some(events.inner.clock.now()),
            ..EventFilter::default()
        };
        assert_eq!(numbers(&events, &late, 0).await, [3]);
        let page = events.list(&all, 0, 2).await.unwrap();
        assert_eq!((page.items.len(), page.next.as_deref()), (2, Some("2")));
        assert_eq!(page.items[1].what.data, json!({"n": 2}));
    }

    #[tokio::test]
    async fn old_events_are_forgotten_and_no_more_are_kept_than_configured() {
        let settings = config::Events {
            keep_days: 1,
            max_kept: 1_000,
        };
        let (events, clock, _folder) = house(settings).await;
        let all = EventFilter::default();
        for n in 0..3_500 {
            events.tell(EventKind::LoginFailed, None, json!({ "n": n }));
        }
        events.flush().await;
        let cancel = CancellationToken::new();
        events.forget(&cancel).await.unwrap();
        assert_eq!(numbers(&events, &all, 0).await, (2_501..=3_500).collect::<Vec<_>>());
        clock.fetch_add(86_400_001, Ordering::SeqCst);
        events.tell(EventKind::LoginFailed, None, json!({}));
        events.flush().await;
        events.forget(&cancel).await.unwrap();
        assert_eq!(numbers(&events, &all, 0).await, [3_501]);
    }

    #[tokio::test]
    async fn a_house_may_keep_none() {
        let settings = config::Events {
            keep_days: 0,
            ..config::Events::default()
        };
        let (events, _clock, _directory) = house(settings).await;
        events.tell(EventKind::LoginFailed, None, json!({}));
        events.flush().await;
        assert_eq!(events.newest().await.unwrap(), 0);
    }
}
