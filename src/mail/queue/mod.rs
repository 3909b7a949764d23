//! The ledger of outgoing mail: what waits, for whom, until when.
//!
//! `intake` puts in, `dispatch` works it off through `relay`, the API and the command line look and steer.
//! A message is in it for good when [`Queue::put`] returns. Work on it is claimed with leases ([`Claim`]), so that several nodes can share
//! one queue, and what a killed node had in hand is taken up by the others when its lease has run out.
//!
//! RFC 5321 §4.5.4.1 (retry strategy), RFC 3461 §4.1 (NOTIFY).

mod backoff;
mod claim;
mod clean;
mod content;
mod notice;
mod pace;
mod postpone;
mod removal;
mod standing;
mod steer;
mod story;
mod verify;

pub use claim::{Claim, Finding, Lease, Progress, Settlement};
pub use content::{Content, MOST_BESIDE};
pub use postpone::{Left, Unreached};
pub use standing::Standing;
pub use story::Via;
pub use verify::{Lack, Loose};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::config;
use crate::mail::traces::Traces;
use crate::model::address::{Domain, Host};
use crate::model::clock::{Clock, Steps};
use crate::model::envelope::{Recipient, Sender};
use crate::model::ids::{MailId, UserId};
use crate::model::queue::{QueueFilter, RecipientState, Steering};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::{Database, Tx, Work, queue as rows};
use crate::store::spool::Spool;

/// How far ahead a sender's messages get their turns: a day.
const MOST_AHEAD_MS: i64 = 86_400_000;
/// The longest time that new mail waits for a destination that could not be reached.
const MOST_REST: std::time::Duration = std::time::Duration::from_secs(30);

/// A message for the queue.
#[derive(Debug, Clone)]
pub struct NewMail {
    pub id: MailId,
    pub sender: Sender,
    pub recipients: Vec<Recipient>,
    /// How many octets it has. There is no Return-Path line among them.
    pub size: u64,
    /// They themselves; none if they are on stable storage in the spool already (`store::spool`, by the id).
    pub content: Option<Bytes>,
    /// Who submitted it.
    pub user: Option<UserId>,
}

/// A message in the queue, as it is shown.
#[derive(Debug, Clone)]
pub struct QueuedMail {
    pub id: MailId,
    pub sender: Sender,
    pub size: u64,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub recipients: Vec<QueuedRecipient>,
}

/// One recipient of a message in the queue.
#[derive(Debug, Clone)]
pub struct QueuedRecipient {
    pub recipient: Recipient,
    pub domain: Option<Domain>,
    pub state: RecipientState,
    pub attempts: u32,
    pub next_attempt_at: Timestamp,
    /// The last reply or error.
    pub last_error: Option<String>,
}

/// The ledger. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    spool: Spool,
    settings: config::Queue,
    traces: Traces,
    clock: Clock,
    due: Due,
    /// What the clock did.
    steps: Mutex<Steps>,
    pace: Mutex<pace::Pace>,
    removal: removal::Removal,
    /// The claims that this process holds: message and token.
    held: Mutex<BTreeSet<(MailId, i64)>>,
}

/// Destinations that became due by an act of this process, which dispatch need not look for in the database.
#[derive(Default)]
struct Due {
    woken: Mutex<Woken>,
    notify: Notify,
}

/// What became due.
#[derive(Debug, Default)]
pub struct Woken {
    /// Where it goes.
    pub destinations: BTreeSet<Host>,
    /// The operator wants it tried now, also where nobody was reached a moment ago.
    pub is_pressing: bool,
}

impl Queue {
    /// Opens the ledger.
    pub fn open(database: Database, spool: Spool, settings: config::Queue, traces: Traces, clock: Clock) -> Self {
        let inner = Inner {
            database,
            spool,
            settings,
            traces,
            steps: Mutex::new(Steps::of(clock.clone())),
            clock,
            due: Due::default(),
            pace: Mutex::default(),
            removal: removal::Removal::start(),
            held: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Enters a message; it is in the ledger for good when this returns, and dispatch is woken. LimitReached when the queue is full.
    pub async fn put(&self, mail: NewMail) -> Result<(), Refusal> {
        let created_at = self.inner.clock.now();
        let lifetime = seconds(self.inner.settings.expire_seconds);
        let message = rows::Message {
            id: mail.id,
            sender: mail.sender,
            size: mail.size,
            user: mail.user,
            created_at,
            expires_at: created_at.saturating_add(lifetime).unwrap_or(Timestamp::MAX),
        };
        let (sender, count) = (message.sender.path.to_string(), mail.recipients.len());
        let hosts: Vec<Host> = mail.recipients.iter().map(|recipient| recipient.address.host().clone()).collect();
        let most = self.inner.settings.max_messages;
        let (who, first_attempt_at) = self.first_attempt(&message)?;
        let enter = Enter {
            message,
            recipients: mail.recipients,
            content: mail.content,
            first_attempt_at,
            notice_at: self.notice_at(created_at),
            most,
        };
        let entered = self.inner.database.write_together(enter).await;
        if let (Some(who), Ok(false) | Err(_)) = (&who, &entered) {
            lock(&self.inner.pace).give_back(who, self.inner.settings.sender_messages_per_minute);
        }
        if !entered? {
            return Err(Refusal::LimitReached(format!("the queue holds {most} messages already, its limit")));
        }
        tracing::info!(id = %mail.id, sender, recipients = count, size = mail.size, "queued");
        if first_attempt_at <= created_at.as_millisecond() {
            self.wake(hosts);
        } else {
            tracing::debug!(id = %mail.id, first_attempt_at, "its sender sends more than may leave at a time");
            self.wake([]);
        }
        Ok(())
    }

    /// When a new message is tried: at once, unless its sender has sent more of late than may leave; and whose turn that is. LimitReached
    /// if it would be too late.
    fn first_attempt(&self, message: &rows::Message) -> Result<(Option<pace::Who>, i64), Refusal> {
        let now = message.created_at.as_millisecond();
        let most = self.inner.settings.sender_messages_per_minute;
        let who = pace::Who::of(message.user, message.sender.path.address()).filter(|_| most > 0);
        let Some(who) = who else { return Ok((None, now)) };
        let last = message.expires_at.as_millisecond().min(now.saturating_add(MOST_AHEAD_MS));
        match lock(&self.inner.pace).turn(who.clone(), now, last, most) {
            Some(turn) => Ok((Some(who), turn)),
            None => Err(Refusal::LimitReached(format!(
                "{most} messages of a sender leave in a minute, and those of a day wait already: send this again later"
            ))),
        }
    }

    /// The messages in the queue that have a recipient picked by the filter, with all their recipients, oldest first; at most 500 at
    /// a time.
    pub async fn list(&self, filter: &QueueFilter, after: Option<MailId>, limit: usize) -> Result<Vec<QueuedMail>, Refusal> {
        let mut tx = self.inner.database.read().await?;
        let messages = rows::page(&mut tx, filter, after, limit.min(500)).await?;
        let ids: Vec<MailId> = messages.iter().map(|message| message.id).collect();
        let mut by_message: BTreeMap<MailId, Vec<QueuedRecipient>> = BTreeMap::new();
        for (id, recipient) in rows::recipients_of(&mut tx, &ids).await? {
            by_message.entry(id).or_default().push(shown_recipient(recipient));
        }
        let shown = |message: rows::Message| {
            let recipients = by_message.remove(&message.id).unwrap_or_default();
            shown_mail(message, recipients)
        };
        Ok(messages.into_iter().map(shown).collect())
    }

    /// One of them.
    pub async fn show(&self, id: MailId) -> Result<QueuedMail, Refusal> {
        let mut tx = self.inner.database.read().await?;
        let message = rows::find(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
        let recipients = rows::recipients_of(&mut tx, &[id]).await?;
        let recipients = recipients.into_iter().map(|(_, recipient)| shown_recipient(recipient)).collect();
        Ok(shown_mail(message, recipients))
    }

    /// Tries it now. What is held stays so.
    pub async fn retry(&self, id: MailId) -> Result<(), Refusal> {
        self.steer_one(id, Steering::Retry).await.map(drop)
    }

    /// Drops it without a bounce. A transaction in flight is not interrupted.
    pub async fn remove(&self, id: MailId) -> Result<(), Refusal> {
        let mut tx = self.inner.database.write().await?;
        let recipients = rows::recipients_of(&mut tx, &[id]).await?;
        if !rows::remove(&mut tx, id).await? {
            return Err(not_found(id));
        }
        tx.commit().await?;
        let open: Vec<(MailId, String)> = recipients
            .into_iter()
            .filter(|(_, recipient)| recipient.state.is_open())
            .map(|(id, recipient)| (id, recipient.recipient.address.to_string()))
            .collect();
        let open = open.iter().map(|(id, address)| (*id, address.as_str()));
        self.inner.traces.tell_all(story::steered(Steering::Remove, self.now(), open));
        tracing::info!(%id, "dropped from the queue");
        self.remove_file(id).await;
        Ok(())
    }

    /// Now, by the ledger's clock.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Where the octets of a message lie, if they are in the spool.
    fn file(&self, id: MailId) -> std::path::PathBuf {
        self.inner.spool.queued(id)
    }

    /// Waits until something becomes due by an act of this process; gives the destinations.
    pub async fn woken(&self) -> Woken {
        self.inner.due.notify.notified().await;
        std::mem::take(&mut *lock(&self.inner.due.woken))
    }

    /// Has dispatch look at the queue, such as after the clock was moved.
    pub fn wake(&self, destinations: impl IntoIterator<Item = Host>) {
        lock(&self.inner.due.woken).destinations.extend(destinations);
        self.inner.due.notify.notify_one();
    }

    /// The same where the operator is in a hurry.
    fn press(&self, destinations: BTreeSet<Host>) {
        lock(&self.inner.due.woken).is_pressing = true;
        self.wake(destinations);
    }

    /// How long a destination that could not be reached is left alone by new mail.
    pub fn rest(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.inner.settings.retry_first_seconds).min(MOST_REST)
    }

    /// Destinations that have something due, however it became so, in their order, after the one named.
    pub async fn due_destinations(&self, after: Option<&Host>, limit: usize) -> Result<Vec<Host>, store::Error> {
        let mut tx = self.inner.database.read().await?;
        rows::due_destinations(&mut tx, self.inner.clock.now_ms(), after, limit).await
    }

    /// Messages that have something to report.
    pub async fn due_reports(&self, limit: usize) -> Result<Vec<MailId>, store::Error> {
        let mut tx = self.inner.database.read().await?;
        rows::due_reports(&mut tx, self.inner.clock.now_ms(), limit).await
    }

    /// How long until something becomes due that is not yet.
    pub async fn next_due(&self) -> Result<Option<std::time::Duration>, store::Error> {
        let now = self.inner.clock.now_ms();
        let mut tx = self.inner.database.read().await?;
        let next = rows::next_due(&mut tx, now).await?;
        Ok(next.map(|next| std::time::Duration::from_millis(next.saturating_sub(now).unsigned_abs())))
    }

    /// When the sender of what is queued at this moment is told that it is late.
    fn notice_at(&self, created_at: Timestamp) -> Option<i64> {
        let patience = self.inner.settings.delay_notice_seconds;
        let at = created_at.saturating_add(seconds(patience)).unwrap_or(Timestamp::MAX);
        (patience > 0).then(|| at.as_millisecond())
    }

    async fn remove_file(&self, id: MailId) {
        let path = self.file(id);
        if let Err(error) = self.inner.removal.remove(path.clone()).await {
            tracing::warn!(%id, path = %path.display(), %error, "cannot remove the message's file");
        }
    }
}

/// A message to be entered.
struct Enter {
    message: rows::Message,
    recipients: Vec<Recipient>,
    content: Option<Bytes>,
    first_attempt_at: i64,
    notice_at: Option<i64>,
    /// How many there may be; 0: no bound.
    most: u64,
}

impl Work for Enter {
    /// Whether there was room.
    type Answer = bool;

    async fn write(works: &[&Self], tx: &mut Tx) -> Result<Vec<bool>, store::Error> {
        let most = works.first().map_or(0, |work| work.most);
        let room = match most {
            0 => works.len(),
            most => usize::try_from(most.saturating_sub(rows::count(tx).await?)).unwrap_or(usize::MAX),
        };
        let entries: Vec<rows::Entry<'_>> = works.iter().take(room).map(|work| work.entry()).collect();
        rows::insert(tx, &entries).await?;
        Ok((0..works.len()).map(|place| place < room).collect())
    }
}

impl Enter {
    fn entry(&self) -> rows::Entry<'_> {
        rows::Entry {
            message: &self.message,
            recipients: &self.recipients,
            content: self.content.as_deref(),
            first_attempt_at: self.first_attempt_at,
            notice_at: self.notice_at,
        }
    }
}

fn not_found(id: MailId) -> Refusal {
    Refusal::NotFound {
        what: "queued message",
        name: id.to_string(),
    }
}

fn seconds(count: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(count).unwrap_or(i64::MAX))
}

/// What is behind the locks here is whole after each statement, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shown_mail(message: rows::Message, recipients: Vec<QueuedRecipient>) -> QueuedMail {
    QueuedMail {
        id: message.id,
        sender: message.sender,
        size: message.size,
        created_at: message.created_at,
        expires_at: message.expires_at,
        recipients,
    }
}

fn shown_recipient(row: rows::Addressee) -> QueuedRecipient {
    QueuedRecipient {
        domain: row.recipient.address.domain().cloned(),
        recipient: row.recipient,
        state: match row.state {
            rows::State::Waiting => RecipientState::Waiting,
            rows::State::Held => RecipientState::Held,
            rows::State::Done | rows::State::RelayedUnreported => RecipientState::Delivered,
            rows::State::FailedUnreported | rows::State::Failed => RecipientState::Failed,
        },
        attempts: row.attempts,
        next_attempt_at: row.next_attempt_at,
        last_error: row.last.text,
    }
}

#[cfg(test)]
mod tests;
