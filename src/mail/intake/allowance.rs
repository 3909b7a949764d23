//! How much a user may send in an hour and in a day: by the clock, in UTC.
//!
//! The counts stand in the database, so that a restart forgets nothing and all nodes count together. A node takes a fiftieth of a
//! limit at a time and deals it out from memory: that many messages cost one write. What it has not dealt out when the hour ends, or
//! when it is stopped, counts as sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config;
use crate::model::account::User;
use crate::model::clock::{Clock, timestamp};
use crate::model::ids::UserId;
use crate::model::refusal::Refusal;
use crate::store::db::submissions::{self, Sent};
use crate::store::db::{Database, Tx};

const HOUR_SECONDS: i64 = 3_600;
const HOURS: i64 = 24;
/// A node takes so many parts of a limit at a time.
const PARTS: i64 = 50;
/// The most users that are dealt out to from memory; past that, those of other hours are forgotten.
const MOST_USERS: usize = 10_000;

/// Counts what users send. Cheap to clone.
#[derive(Clone)]
pub struct Allowance {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    limits: [Limit; 4],
    clock: Clock,
    taken: Mutex<HashMap<UserId, Taken>>,
}

/// What was taken from the database for a user and not yet dealt out. Good in this hour.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    hour: i64,
    messages: i64,
    recipients: i64,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Messages,
    Recipients,
}

/// In which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    Hour,
    Day,
}

#[derive(Debug, Clone, Copy)]
struct Limit {
    thing: Thing,
    span: Span,
    /// 0: no bound.
    most: i64,
}

impl Allowance {
    /// Opens the counts.
    pub fn new(database: Database, settings: config::Submission, clock: Clock) -> Self {
        let limit = |thing, span, most: u64| Limit {
            thing,
            span,
            most: i64::try_from(most).unwrap_or(i64::MAX),
        };
        let limits = [
            limit(Thing::Messages, Span::Hour, settings.messages_per_hour),
            limit(Thing::Recipients, Span::Hour, settings.recipients_per_hour),
            limit(Thing::Messages, Span::Day, settings.messages_per_day),
            limit(Thing::Recipients, Span::Day, settings.recipients_per_day),
        ];
        Self {
            inner: Arc::new(Inner {
                database,
                limits,
                clock,
                taken: Mutex::default(),
            }),
        }
    }

    /// Counts a message to so many recipients. Errors: LimitReached, which says the limit and when it ends.
    pub(super) async fn spend(&self, user: &User, recipients: usize) -> Result<(), Refusal> {
        let inner = &self.inner;
        if inner.limits.iter().all(|limit| limit.most == 0) {
            return Ok(());
        }
        let recipients = i64::try_from(recipients).unwrap_or(i64::MAX);
        let hour = inner.clock.now().as_second().div_euclid(HOUR_SECONDS);
        if inner.deal_out(user.id, hour, recipients) {
            return Ok(());
        }
        let mut tx = inner.database.write().await?;
        let more = match inner.take(&mut tx, user.id, hour, recipients).await? {
            Ok(more) => more,
            Err(limit) => {
                let refusal = limit.refusal(hour);
                tracing::warn!(login = %user.login, %refusal, "a user has reached a limit of submission");
                return Err(refusal);
            }
        };
        tx.commit().await?;
        inner.keep(user.id, more);
        Ok(())
    }
}

impl Inner {
    /// Deals out from what is in memory, if that is enough.
    fn deal_out(&self, user: UserId, hour: i64, recipients: i64) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mine) = taken.get_mut(&user).filter(|it| it.hour == hour) else {
            return false;
        };
        let enough = mine.messages >= 1 && mine.recipients >= recipients;
        if enough {
            mine.messages -= 1;
            mine.recipients -= recipients;
        }
        enough
    }

    /// Counts one message in the database, and more messages to deal out later, as far as there is room.
    async fn take(&self, tx: &mut Tx, user: UserId, hour: i64, recipients: i64) -> Result<Result<Taken, Limit>, Refusal> {
        let mut sent = current(submissions::lock(tx, user).await?, hour);
        if let Some(limit) = self.limits.iter().find(|limit| limit.room(&sent) < limit.thing.of(1, recipients)) {
            return Ok(Err(*limit));
        }
        count(&mut sent, 1, recipients);
        let (messages, recipients) = (self.part(&sent, Thing::Messages), self.part(&sent, Thing::Recipients));
        count(&mut sent, messages.unwrap_or_default(), recipients.unwrap_or_default());
        submissions::update(tx, user, &sent).await?;
        Ok(Ok(Taken {
            hour,
            messages: messages.unwrap_or(i64::MAX),
            recipients: recipients.unwrap_or(i64::MAX),
        }))
    }

    /// How much of it is taken at a time, as far as there is room. None: it has no limit.
    fn part(&self, sent: &Sent, thing: Thing) -> Option<i64> {
        let limits = self.limits.iter().filter(|limit| limit.thing == thing && limit.most > 0);
        limits.map(|limit| (limit.most / PARTS).min(limit.room(sent))).min()
    }

    /// Puts what was taken to what is left.
    fn keep(&self, user: UserId, more: Taken) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.len() >= MOST_USERS {
            taken.retain(|_, it| it.hour == more.hour);
        }
        let mine = taken.entry(user).or_default();
        if mine.hour == more.hour {
            mine.messages = mine.messages.saturating_add(more.messages);
            mine.recipients = mine.recipients.saturating_add(more.recipients);
        } else {
            *mine = more;
        }
    }
}

impl Thing {
    const fn of(self, messages: i64, recipients: i64) -> i64 {
        match self {
            Self::Messages => messages,
            Self::Recipients => recipients,
        }
    }
}

impl Limit {
    fn room(&self, sent: &Sent) -> i64 {
        let used = match self.span {
            Span::Hour => self.thing.of(sent.hour_messages, sent.hour_recipients),
            Span::Day => self.thing.of(sent.day_messages, sent.day_recipients),
        };
        if self.most == 0 {
            return i64::MAX;
        }
        self.most.saturating_sub(used).max(0)
    }

    fn refusal(&self, hour: i64) -> Refusal {
        let thing = match self.thing {
            Thing::Messages => "messages",
            Thing::Recipients => "recipients",
        };
        let (span, end) = match self.span {
            Span::Hour => ("an hour", hour.saturating_add(1)),
            Span::Day => ("a day", (hour.div_euclid(HOURS).saturating_add(1)).saturating_mul(HOURS)),
        };
        let end = timestamp(end.saturating_mul(HOUR_SECONDS).saturating_mul(1_000));
        Refusal::LimitReached(format!(
            "the limit of {} {thing} {span} is reached; it ends at {end}, send this again then",
            self.most
        ))
    }
}

/// The counts, those of another hour or day begun anew.
fn current(sent: Sent, hour: i64) -> Sent {
    let day = hour.div_euclid(HOURS);
    let mut now = Sent {
        hour,
        day,
        ..Sent::default()
    };
    if sent.hour == hour {
        (now.hour_messages, now.hour_recipients) = (sent.hour_messages, sent.hour_recipients);
    }
    if sent.day == day {
        (now.day_messages, now.day_recipients) = (sent.day_messages, sent.day_recipients);
    }
    now
}

fn count(sent: &mut Sent, messages: i64, recipients: i64) {
    for (field, more) in [
        (&mut sent.hour_messages, messages),
        (&mut sent.day_messages, messages),
        (&mut sent.hour_recipients, recipients),
        (&mut sent.day_recipients, recipients),
    ] {
        *field = field.saturating_add(more);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::mail::directory::{Directory, NewUser};
    use crate::model::account::Role;

    struct House {
        database: Database,
        clock: Arc<AtomicI64>,
        user: Arc<User>,
        _folder: tempfile::TempDir,
    }

    impl House {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let database = Database::open(&config::Database::default(), folder.path()).await.unwrap();
            let directory = Directory::open(
                database.clone(),
                config::Directory::default(),
                config::Auth::default(),
                Clock::System,
                crate::mail::events::Events::open(database.clone(), &config::Events::default(), Clock::System),
            );
            let user = NewUser {
                login: "ada".into(),
                password: None,
                display_name: String::new(),
                role: Role::ServerAdmin,
                enabled: true,
                quota_bytes: None,
                quota_messages: None,
                retention: Default::default(),
                labels: Default::default(),
            };
            let user = directory.await.unwrap().create_user(user).await.unwrap();
            Self {
                database,
                // The begin of a day.
                clock: Arc::new(AtomicI64::new(1_800_057_600_000)),
                user,
                _folder: folder,
            }
        }

        fn node(&self, messages_per_hour: u64, recipients_per_day: u64) -> Allowance {
            let settings = config::Submission {
                messages_per_hour,
                messages_per_day: 0,
                recipients_per_hour: 0,
                recipients_per_day,
                ..config::Submission::default()
            };
            Allowance::new(self.database.clone(), settings, Clock::Manual(Arc::clone(&self.clock)))
        }

        /// How many messages to so many recipients the nodes take in turn.
        async fn most(&self, nodes: &[&Allowance], recipients: usize) -> usize {
            let mut count = 0;
            for node in nodes.iter().cycle().take(10_000) {
                match node.spend(&self.user, recipients).await {
                    Ok(()) => count += 1,
                    Err(Refusal::LimitReached(_)) => return count,
                    Err(other) => panic!("{other}"),
                }
            }
            count
        }
    }

    #[tokio::test]
    async fn nodes_count_together_and_the_hour_ends() {
        let house = House::new().await;
        let (one, two) = (house.node(200, 0), house.node(200, 0));
        let sent = house.most(&[&one, &two], 1_000).await;
        // What the other node has taken and not dealt out is lost for this hour: a fiftieth at most.
        assert!((196..=200).contains(&sent), "{sent}");
        house.clock.fetch_add(3_599_000, Ordering::SeqCst);
        let refusal = one.spend(&house.user, 1).await.or(two.spend(&house.user, 1).await);
        assert_eq!(
            refusal.unwrap_err().to_string(),
            "the limit of 200 messages an hour is reached; it ends at 2027-01-16T01:00:00Z, send this again then"
        );
        house.clock.fetch_add(1_000, Ordering::SeqCst);
        assert_eq!(house.most(&[&one], 1).await, 200);
    }

    #[tokio::test]
    async fn recipients_of_a_day_are_counted_over_its_hours() {
        let house = House::new().await;
        let node = house.node(0, 10);
        assert_eq!(house.most(&[&node], 3).await, 3);
        house.clock.fetch_add(23 * 3_600_000, Ordering::SeqCst);
        assert_eq!(house.most(&[&node], 1).await, 1, "one was left");
        house.clock.fetch_add(3_600_000, Ordering::SeqCst);
        assert_eq!(house.most(&[&node], 11).await, 0, "one message alone is too many");
        assert_eq!(house.most(&[&node], 10).await, 1);
        assert_eq!(house.most(&[&house.node(0, 0)], 1_000).await, 10_000, "no limit");
    }
}
