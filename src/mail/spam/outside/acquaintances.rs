//! Whom users have written to, and what they have sent: who answers is no stranger.
//!
//! It is noted when a message is submitted, and written down in the background, many at a time; what was not written down yet when the
//! server is killed is lost, which harms nobody. Kept are hashes, so many a user, for so many days.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use moka::sync::Cache;

use super::{Asks, Mark, mark};
use crate::config;
use crate::mail::spam::rules::{Rule, unasked};
use crate::model::address::EmailAddress;
use crate::model::clock::{Clock, DAY_MS};
use crate::model::ids::UserId;
use crate::store::Error;
use crate::store::db::{Database, Tx, acquaintances};

pub(super) const RULES: &[Rule] = &[CORRESPONDENT, REPLY];
pub(super) const CORRESPONDENT: Rule = unasked(
    "KNOWN_CORRESPONDENT",
    -5.0,
    "Those for whom it is have written to its author, who is proved.",
);
pub(super) const REPLY: Rule = unasked("REPLY", -3.0, "It answers a message that those for whom it is have sent.");

/// The most that wait to be written down; with more, what is new is not noted.
const MOST_WAITING: usize = 100_000;
/// How many are remembered in memory, so that they are not written down each time.
const MOST_LATELY: u64 = 100_000;
/// The most users who are asked about a message.
const MOST_USERS: usize = 100;
/// The most users that are looked at in one transaction.
const PORTION: usize = 100;

/// Whom users know.
pub(super) struct Acquaintances {
    database: Database,
    settings: config::Correspondents,
    clock: Clock,
    waiting: Mutex<HashMap<UserId, HashSet<Mark>>>,
    /// Who was met when, in milliseconds since 1970.
    lately: Cache<(UserId, Mark), i64>,
}

impl Acquaintances {
    pub(super) fn open(database: Database, settings: config::Correspondents, clock: Clock) -> Self {
        Self {
            database,
            settings,
            clock,
            waiting: Mutex::default(),
            lately: Cache::new(MOST_LATELY),
        }
    }

    /// A user has sent this message to these.
    pub(super) fn meet(&self, user: UserId, recipients: impl Iterator<Item = EmailAddress>, message_id: Option<&str>) {
        if !self.settings.enabled {
            return;
        }
        let now = self.clock.now_ms();
        let marks = recipients.map(|it| of_address(&it)).chain(message_id.map(of_message));
        let is_new = |mark: &Mark| self.lately.get(&(user, *mark)).is_none_or(|met| now.saturating_sub(met) >= DAY_MS);
        let new: Vec<Mark> = marks.filter(is_new).collect();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count: usize = waiting.values().map(HashSet::len).sum();
        for mark in new.into_iter().take(MOST_WAITING.saturating_sub(count)) {
            waiting.entry(user).or_default().insert(mark);
            self.lately.insert((user, mark), now);
        }
    }

    /// Which of the own rules hold of a message for these users: what at least half of them know.
    pub(super) async fn symbols(&self, users: &[UserId], asks: &Asks) -> Vec<&'static Rule> {
        if !self.settings.enabled || users.is_empty() || users.len() > MOST_USERS {
            return Vec::new();
        }
        let author: Vec<Mark> = asks.proved_author.iter().map(of_address).collect();
        let messages: Vec<Mark> = asks.answers.iter().map(|id| of_message(id)).collect();
        // Both are read in one transaction, if any is.
        let mut tx = None;
        let mut held = Vec::new();
        for (rule, marks) in [(&CORRESPONDENT, author), (&REPLY, messages)] {
            match self.who_knows(users, &marks, &mut tx).await {
                Ok(count) if count > 0 && count * 2 >= users.len() => held.push(rule),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "whom users know cannot be asked"),
            }
        }
        held
    }

    /// How many of the users know any of these.
    async fn who_knows(&self, users: &[UserId], marks: &[Mark], tx: &mut Option<Tx>) -> Result<usize, Error> {
        if marks.is_empty() {
            return Ok(0);
        }
        let since = self.clock.now_ms().saturating_sub(self.remembered_ms());
        let knows = |user: &UserId| {
            let mut met = marks.iter().filter_map(|mark| self.lately.get(&(*user, *mark)));
            met.any(|met| met >= since)
        };
        let (known, others): (Vec<UserId>, Vec<UserId>) = users.iter().copied().partition(knows);
        if others.is_empty() {
            return Ok(known.len());
        }
        let tx = match tx {
            Some(tx) => tx,
            None => tx.insert(self.database.read().await?),
        };
        let found = acquaintances::who_knows(tx, &others, marks, since).await?;
        Ok(known.len().saturating_add(found.len()))
    }

    fn remembered_ms(&self) -> i64 {
        i64::try_from(self.settings.remember_days)
            .unwrap_or(i64::MAX)
            .saturating_mul(DAY_MS)
    }

    /// Writes down what waits.
    pub(super) async fn write(&self) -> Result<(), Error> {
        loop {
            let portion = self.portion();
            if portion.is_empty() {
                return Ok(());
            }
            let mut tx = self.database.write().await?;
            for (user, marks) in &portion {
                acquaintances::meet(&mut tx, *user, marks, self.clock.now_ms()).await?;
                acquaintances::keep(&mut tx, *user, self.settings.max_per_user).await?;
            }
            tx.commit().await?;
        }
    }

    /// Some of what waits, in the order of users, so that two nodes do not wait for each other.
    fn portion(&self) -> Vec<(UserId, Vec<Mark>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut users: Vec<UserId> = waiting.keys().copied().take(PORTION).collect();
        users.sort_unstable();
        let take = |user: UserId| Some((user, waiting.remove(&user)?.into_iter().collect()));
        users.into_iter().filter_map(take).collect()
    }

    /// Forgets those who were not met for long.
    pub(super) async fn forget(&self) -> Result<u64, Error> {
        let mut tx = self.database.write().await?;
        let before = self.clock.now_ms().saturating_sub(self.remembered_ms());
        let forgotten = acquaintances::forget(&mut tx, before).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}

fn of_address(address: &EmailAddress) -> Mark {
    mark("address", &[&address.canonical()])
}

fn of_message(id: &str) -> Mark {
    mark("message", &[id.trim().trim_start_matches('<').trim_end_matches('>')])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A database with two users.
    async fn house() -> (Database, [UserId; 2], tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&config::Database::default(), folder.path()).await.unwrap();
        let directory = crate::mail::directory::Directory::open(
            database.clone(),
            config::Directory::default(),
            config::Auth::default(),
            Clock::System,
            crate::mail::events::Events::open(database.clone(), &config::Events::default(), Clock::System),
        );
        let directory = directory.await.unwrap();
        let mut ids = [UserId(0); 2];
        for (login, id) in ["ada", "bob"].into_iter().zip(&mut ids) {
            let user = crate::mail::directory::NewUser {
                login: login.into(),
                password: None,
                display_name: String::new(),
                role: crate::model::account::Role::ServerAdmin,
                enabled: true,
                quota_bytes: None,
                quota_messages: None,
                retention: Default::default(),
                labels: Default::default(),
            };
            *id = directory.create_user(user).await.unwrap().id;
        }
        (database, ids, folder)
    }

    fn from(author: &str, answers: &[&str]) -> Asks {
        Asks {
            proved_author: author.parse().ok(),
            answers: answers.iter().map(|it| (*it).to_owned()).collect(),
            ..Asks::default()
        }
    }

    #[tokio::test]
    async fn whom_users_have_written_to_is_known_on_all_nodes_for_some_time() {
        let (database, [ada, bob], _folder) = house().await;
        let time = Arc::new(AtomicI64::new(1_700_000_000_000));
        let settings = config::Correspondents {
            max_per_user: 3,
            ..Default::default()
        };
        let node = || Acquaintances::open(database.clone(), settings.clone(), Clock::Manual(Arc::clone(&time)));
        let (one, two) = (node(), node());
        let symbols = async |node: &Acquaintances, users: &[UserId], asks: &Asks| {
            let held = node.symbols(users, asks).await;
            held.iter().map(|rule| rule.name).collect::<Vec<_>>().join(" ")
        };
        let to = |text: &str| vec![text.parse::<EmailAddress>().unwrap()].into_iter();
        one.meet(ada, to("Eve@Remote.test"), Some("<1@house.test>"));
        assert_eq!(symbols(&one, &[ada], &from("eve@remote.test", &[])).await, "KNOWN_CORRESPONDENT");
        assert_eq!(symbols(&two, &[ada], &from("eve@remote.test", &[])).await, "");
        one.write().await.unwrap();
        let all = from("eve@remote.test", &["other@house.test", "1@house.test"]);
        assert_eq!(symbols(&two, &[ada], &all).await, "KNOWN_CORRESPONDENT REPLY");
        assert_eq!(symbols(&two, &[bob], &all).await, "");
        assert_eq!(symbols(&two, &[ada, bob], &all).await, "KNOWN_CORRESPONDENT REPLY", "half of them");
        assert_eq!(symbols(&two, &[ada, bob, UserId(3)], &all).await, "");
        // The oldest ones go, and those who are gone know nobody.
        time.fetch_add(1, Ordering::SeqCst);
        for number in 0..3 {
            one.meet(ada, to(&format!("{number}@remote.test")), None);
        }
        one.meet(UserId(99), to("x@remote.test"), None);
        one.write().await.unwrap();
        assert_eq!(symbols(&two, &[ada], &all).await, "");
        assert_eq!(symbols(&two, &[ada], &from("2@remote.test", &[])).await, "KNOWN_CORRESPONDENT");
        time.fetch_add(181 * DAY_MS, Ordering::SeqCst);
        assert_eq!(symbols(&two, &[ada], &from("2@remote.test", &[])).await, "");
        assert_eq!(two.forget().await.unwrap(), 3);
    }
}
