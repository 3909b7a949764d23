//! The queue's tables for those that deliver: what is due, claims with leases, results, reports.

use std::collections::{BTreeMap, BTreeSet};

use super::{ADDRESSEE, Addressee, MESSAGE, Message, State, addressee, contents, destination, marks, message_with_content, nullable};
use crate::model::address::Host;
use crate::model::ids::MailId;
use crate::store::Error;
use crate::store::db::{Query, Tx, Value};

/// The most recipients of one claim, which go in one SMTP transaction (RFC 5321 §4.5.3.1.8: every server takes 100).
const MOST_RECIPIENTS: i64 = 100;

/// A claim on rows: nobody else takes them before `until`. Times are milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// What tells this claim from all others; never 0.
    pub token: i64,
    pub now: i64,
    pub until: i64,
}

/// What an attempt brought, for the row of a recipient.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    pub at: i64,
    pub status: Option<&'a str>,
    pub host: Option<&'a str>,
    pub text: &'a str,
}

impl Note<'_> {
    /// Binds `last_attempt_at`, `last_status`, `last_host`, `last_error`, in this order.
    fn bind<'t>(&self, query: Query<'t>) -> Query<'t> {
        query
            .bind(self.at)
            .bind(nullable(self.status, 32))
            .bind(nullable(self.host, 255))
            .bind(nullable(Some(self.text), 1000))
    }
}

/// The most recipients that are put off in a transaction.
const MOST_POSTPONED: usize = 2_000;

/// What is due and unclaimed at so many destinations; for [`bind_due`]. The sign before a column keeps databases from looking through all
/// that is due anywhere rather than at these destinations.
fn due(destinations: usize) -> String {
    format!(
        "destination IN ({}) AND state = 0 AND +next_attempt_at <= ? AND lease_until <= ?",
        marks(destinations)
    )
}

/// Destinations that have something due and unclaimed, in their order, after the one named. One that cannot be read is logged and left out.
pub async fn due_destinations(tx: &mut Tx, now: i64, after: Option<&Host>, limit: usize) -> Result<Vec<Host>, Error> {
    let texts = tx
        .query(
            "SELECT DISTINCT destination FROM queue_recipients WHERE state = 0 AND next_attempt_at <= ? AND lease_until <= ? \
             AND destination > ? ORDER BY destination LIMIT ?",
        )
        .bind(now)
        .bind(now)
        .bind(after.map(ToString::to_string).unwrap_or_default())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .all(|row| row.text(0))
        .await?;
    let read = |text: String| {
        destination(&text)
            .inspect_err(|error| tracing::error!(%error, destination = text, "cannot deliver"))
            .ok()
    };
    Ok(texts.into_iter().filter_map(read).collect())
}

/// When the next of those that are not yet due will be.
pub async fn next_due(tx: &mut Tx, now: i64) -> Result<Option<i64>, Error> {
    let found = tx
        .query("SELECT MIN(next_attempt_at) FROM queue_recipients WHERE state IN (0, 2, 3) AND next_attempt_at > ?")
        .bind(now)
        .optional(|row| row.integer_or_null(0))
        .await?;
    Ok(found.flatten())
}

/// A message, with those of its recipients that were claimed.
#[derive(Debug)]
pub struct ClaimedMessage {
    pub message: Message,
    pub recipients: Vec<Addressee>,
    /// Its octets; none if they lie in the spool.
    pub content: Option<Vec<u8>>,
}

/// What became of a try to claim.
#[derive(Debug)]
pub enum Claimed {
    /// These are ours until the mark's end.
    Ours(Vec<ClaimedMessage>),
    /// Others took them in the same moment: try again in a new transaction.
    Lost,
    /// There is nothing due.
    Nothing,
}

/// Claims the due recipients at these destinations of the oldest messages that have any: at most so many messages, and a hundred
/// recipients together.
pub async fn claim(tx: &mut Tx, destinations: &[Host], most: usize, mark: Mark) -> Result<Claimed, Error> {
    if destinations.is_empty() {
        return Ok(Claimed::Nothing);
    }
    let due = due(destinations.len());
    let skip_locked = tx.skip_locked();
    let query = tx.query_built(format!(
        "SELECT message_id, position FROM queue_recipients WHERE {due} ORDER BY message_id, position LIMIT {MOST_RECIPIENTS}{skip_locked}"
    ));
    let candidates = bind_due(query, destinations, mark.now)
        .all(|row| Ok((row.integer(0)?, row.integer(1)?)))
        .await?;
    let mut ids: Vec<i64> = candidates.iter().map(|(id, _)| *id).collect();
    ids.dedup();
    ids.truncate(most);
    let Some(&last) = ids.last() else {
        return Ok(Claimed::Nothing);
    };
    // Of the last message there may be more than were looked at.
    let position = candidates
        .iter()
        .rev()
        .find(|(id, _)| *id == last)
        .map_or(0, |(_, position)| *position);
    // A few lengths of the list are enough: each other text would be another statement to be kept.
    let length = ids.len().next_power_of_two();
    ids.resize(length, last);
    let query = tx
        .query_built(format!(
            "UPDATE queue_recipients SET lease = ?, lease_until = ? \
             WHERE message_id IN ({}) AND (message_id < ? OR position <= ?) AND {due}",
            marks(length)
        ))
        .bind(mark.token)
        .bind(mark.until)
        .bind_all(ids.into_iter().map(Value::from))
        .bind(last)
        .bind(position);
    match bind_due(query, destinations, mark.now).execute().await? {
        0 => Ok(Claimed::Lost),
        _ => claimed(tx, mark.token).await,
    }
}

/// Claims the recipients of a message whose fate is to be reported.
pub async fn claim_reports(tx: &mut Tx, id: MailId, mark: Mark) -> Result<Claimed, Error> {
    let taken = tx
        .query(
            "UPDATE queue_recipients SET lease = ?, lease_until = ? \
             WHERE message_id = ? AND state IN (2, 3) AND next_attempt_at <= ? AND lease_until <= ?",
        )
        .bind(mark.token)
        .bind(mark.until)
        .bind(id.0)
        .bind(mark.now)
        .bind(mark.now)
        .execute()
        .await?;
    match taken {
        0 => Ok(Claimed::Nothing),
        _ => claimed(tx, mark.token).await,
    }
}

async fn claimed(tx: &mut Tx, token: i64) -> Result<Claimed, Error> {
    let recipients = tx
        .query_built(format!(
            "SELECT {ADDRESSEE} FROM queue_recipients WHERE lease = ? ORDER BY message_id, position"
        ))
        .bind(token)
        .all(addressee)
        .await?;
    let messages = tx
        .query_built(format!(
            "SELECT {MESSAGE}, octets FROM queue_messages LEFT JOIN queue_contents ON queue_contents.message_id = id \
             WHERE id IN (SELECT message_id FROM queue_recipients WHERE lease = ?) ORDER BY id"
        ))
        .bind(token)
        .all(message_with_content)
        .await?;
    let mut recipients = recipients.into_iter().peekable();
    let with_recipients = |(message, content): (Message, Option<Vec<u8>>)| {
        let own = std::iter::from_fn(|| recipients.next_if(|(id, _)| *id == message.id).map(|(_, recipient)| recipient)).collect();
        ClaimedMessage {
            message,
            recipients: own,
            content,
        }
    };
    let claimed = messages.into_iter().map(with_recipients).collect();
    match recipients.next() {
        Some(_) => Err(Error::Corrupt("queue_recipients.message_id")),
        None => Ok(Claimed::Ours(claimed)),
    }
}

/// Messages with something to report that nobody works on.
pub async fn due_reports(tx: &mut Tx, now: i64, limit: usize) -> Result<Vec<MailId>, Error> {
    tx.query(
        "SELECT DISTINCT message_id FROM queue_recipients \
         WHERE state IN (2, 3) AND next_attempt_at <= ? AND lease_until <= ? LIMIT ?",
    )
    .bind(now)
    .bind(now)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .all(|row| row.integer(0).map(MailId))
    .await
}

/// Makes a claim last longer.
pub async fn renew(tx: &mut Tx, token: i64, until: i64) -> Result<(), Error> {
    tx.query("UPDATE queue_recipients SET lease_until = ? WHERE lease = ?")
        .bind(until)
        .bind(token)
        .execute()
        .await
        .map(drop)
}

/// Ends all claims, whoever holds them: for the only node, when it starts.
pub async fn release_everything(tx: &mut Tx) -> Result<(), Error> {
    tx.query("UPDATE queue_recipients SET lease = 0, lease_until = 0 WHERE lease <> 0")
        .execute()
        .await
        .map(drop)
}

/// After the clock went back: nothing waits beyond `latest`, and no claim lasts beyond `lease_end`, before which whoever holds it renews
/// it. How many recipients are tried earlier for it.
pub async fn pull_in(tx: &mut Tx, latest: i64, lease_end: i64) -> Result<u64, Error> {
    tx.query("UPDATE queue_recipients SET lease_until = ? WHERE lease_until > ?")
        .bind(lease_end)
        .bind(lease_end)
        .execute()
        .await?;
    tx.query("UPDATE queue_recipients SET next_attempt_at = ? WHERE state IN (0, 2, 3) AND next_attempt_at > ?")
        .bind(latest)
        .bind(latest)
        .execute()
        .await
}

/// Gives back what a claim still holds of a message.
pub async fn release(tx: &mut Tx, id: MailId, token: i64) -> Result<(), Error> {
    tx.query("UPDATE queue_recipients SET lease = 0, lease_until = 0 WHERE message_id = ? AND lease = ?")
        .bind(id.0)
        .bind(token)
        .execute()
        .await
        .map(drop)
}

/// Writes the end of a recipient's way. It holds even if the lease ran out meanwhile: what is delivered is delivered.
pub async fn conclude(tx: &mut Tx, id: MailId, position: i64, state: State, note: Note<'_>) -> Result<(), Error> {
    let query = tx
        .query(
            "UPDATE queue_recipients SET state = ?, attempts = attempts + 1, next_attempt_at = ?, lease = 0, lease_until = 0, \
             last_attempt_at = ?, last_status = ?, last_host = ?, last_error = ? WHERE message_id = ? AND position = ? AND state IN (0, 5)",
        )
        .bind(state.code())
        .bind(note.at);
    note.bind(query).bind(id.0).bind(position).execute().await.map(drop)
}

/// Writes when a recipient is tried next; not if the lease ran out and somebody else tries by now.
pub async fn defer(tx: &mut Tx, (id, position): (MailId, i64), token: i64, next: i64, note: Note<'_>) -> Result<(), Error> {
    let query = tx
        .query(
            "UPDATE queue_recipients SET attempts = attempts + 1, next_attempt_at = ?, lease = 0, lease_until = 0, \
             last_attempt_at = ?, last_status = ?, last_host = ?, last_error = ? WHERE message_id = ? AND position = ? AND lease = ?",
        )
        .bind(next);
    note.bind(query).bind(id.0).bind(position).bind(token).execute().await.map(drop)
}

/// What is due and unclaimed at destinations that could not be reached.
#[derive(Debug, Clone, Copy)]
pub struct HeldUp<'a> {
    pub destinations: &'a [Host],
    /// With what goes whatever becomes of TLS, which may well reach them.
    pub with_tls_optional: bool,
    /// Milliseconds since 1970.
    pub now: i64,
}

impl HeldUp<'_> {
    fn condition(&self) -> String {
        let due = due(self.destinations.len());
        if self.with_tls_optional {
            return due;
        }
        format!(
            "{due} AND NOT EXISTS (SELECT 1 FROM queue_messages \
             WHERE queue_messages.id = queue_recipients.message_id AND queue_messages.tls_optional = 1)"
        )
    }

    /// Binds the values of the condition.
    fn bind<'t>(&self, query: Query<'t>) -> Query<'t> {
        bind_due(query, self.destinations, self.now)
    }
}

/// A recipient that waits for a destination which cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRow {
    pub id: MailId,
    /// Of the message; empty for the null sender.
    pub sender: String,
    pub address: String,
    pub attempts: i64,
    /// Milliseconds since 1970.
    pub expires_at: i64,
}

/// Some of them, message by message; nobody else claims them before the end of the transaction.
pub async fn waiting(tx: &mut Tx, held_up: HeldUp<'_>) -> Result<Vec<WaitingRow>, Error> {
    let query = tx.query_built(format!(
        "SELECT message_id, address, attempts, expires_at, (SELECT sender FROM queue_messages WHERE id = message_id) FROM queue_recipients \
         WHERE {} ORDER BY message_id, position LIMIT {MOST_POSTPONED}{}",
        held_up.condition(),
        tx.skip_locked()
    ));
    let row = |row: &crate::store::db::Row<'_>| {
        Ok(WaitingRow {
            id: MailId(row.integer(0)?),
            address: row.text(1)?,
            attempts: row.integer(2)?,
            expires_at: row.integer(3)?,
            sender: row.text_or_null(4)?.unwrap_or_default(),
        })
    };
    held_up.bind(query).all(row).await
}

/// Whether anything is due and unclaimed at these destinations.
pub async fn is_any_due(tx: &mut Tx, destinations: &[Host], now: i64) -> Result<bool, Error> {
    let query = tx.query_built(format!(
        "SELECT message_id FROM queue_recipients WHERE {} LIMIT 1",
        due(destinations.len())
    ));
    let found = bind_due(query, destinations, now).optional(|row| row.integer(0)).await?;
    Ok(found.is_some())
}

/// Puts off, until `next` or their expiry, those that were tried so many times, of messages up to `last`.
pub async fn postpone(tx: &mut Tx, held_up: HeldUp<'_>, (attempts, last): (i64, MailId), next: i64, note: Note<'_>) -> Result<(), Error> {
    let query = tx
        .query_built(format!(
            "UPDATE queue_recipients SET attempts = attempts + 1, \
             next_attempt_at = CASE WHEN expires_at < ? THEN expires_at ELSE ? END, \
             last_attempt_at = ?, last_status = ?, last_host = ?, last_error = ? \
             WHERE attempts = ? AND message_id <= ? AND {}",
            held_up.condition()
        ))
        .bind(next)
        .bind(next);
    let query = note.bind(query).bind(attempts).bind(last.0);
    held_up.bind(query).execute().await.map(drop)
}

/// Fails those whose time is over, of messages up to `last`.
pub async fn fail_expired(tx: &mut Tx, held_up: HeldUp<'_>, last: MailId, note: Note<'_>) -> Result<(), Error> {
    let query = tx.query_built(format!(
        "UPDATE queue_recipients SET state = 2, attempts = attempts + 1, \
         last_attempt_at = ?, last_status = ?, last_host = ?, last_error = ? \
         WHERE expires_at <= ? AND message_id <= ? AND {}",
        held_up.condition()
    ));
    let query = note.bind(query).bind(note.at).bind(last.0);
    held_up.bind(query).execute().await.map(drop)
}

/// Marks as told what was claimed for a report.
pub async fn close_reports(tx: &mut Tx, token: i64) -> Result<(), Error> {
    tx.query(
        "UPDATE queue_recipients SET state = CASE WHEN state = 2 THEN 4 ELSE 1 END, lease = 0, lease_until = 0 \
         WHERE lease = ? AND state IN (2, 3)",
    )
    .bind(token)
    .execute()
    .await
    .map(drop)
}

/// Puts off a report.
pub async fn defer_reports(tx: &mut Tx, token: i64, next: i64) -> Result<(), Error> {
    tx.query("UPDATE queue_recipients SET next_attempt_at = ?, lease = 0, lease_until = 0 WHERE lease = ? AND state IN (2, 3)")
        .bind(next)
        .bind(token)
        .execute()
        .await
        .map(drop)
}

/// What is still to be done for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Nothing: its rows are gone.
    Nothing,
    /// Something is to be reported, and perhaps something waits.
    Report,
    /// Something waits or is held.
    Wait,
}

/// Begins a change of a message's results: whoever else wants to write results of the same message waits for our commit. Without this
/// two nodes that end the last two recipients at a time would each see the other's as open.
pub async fn hold(tx: &mut Tx, id: MailId, now: i64) -> Result<(), Error> {
    tx.query("UPDATE queue_messages SET changed_at = ? WHERE id = ?")
        .bind(now)
        .bind(id.0)
        .execute()
        .await
        .map(drop)
}

/// Removes the rows of a message for which nothing is left to do. After [`hold`].
pub async fn finish(tx: &mut Tx, id: MailId) -> Result<Rest, Error> {
    let open = tx
        .query("SELECT DISTINCT state FROM queue_recipients WHERE message_id = ? AND state IN (0, 2, 3, 5)")
        .bind(id.0)
        .all(|row| State::read(row.integer(0)?))
        .await?;
    if open.is_empty() {
        super::remove(tx, id).await?;
        return Ok(Rest::Nothing);
    }
    let silent = open.iter().all(|state| matches!(state, State::Waiting | State::Held));
    Ok(if silent { Rest::Wait } else { Rest::Report })
}

/// Of these messages, each with the token of a claim whose recipients have all come to their end: removes those of which nothing else is
/// open, and names them.
pub async fn finish_claimed(tx: &mut Tx, claims: &BTreeMap<MailId, i64>) -> Result<BTreeSet<MailId>, Error> {
    let Some(last) = claims.last_key_value() else {
        return Ok(BTreeSet::new());
    };
    // A few lengths of the list are enough: each other text would be another statement to be kept.
    let length = claims.len().next_power_of_two();
    let padded = || claims.iter().chain(std::iter::repeat(last)).take(length);
    let ids = || padded().map(|(id, _)| Value::from(id.0));
    let cases = "WHEN ? THEN ? ".repeat(length);
    let listed = marks(length);
    let removed = tx
        .query_built(format!(
            "DELETE FROM queue_messages WHERE id IN ({listed}) AND NOT EXISTS (SELECT 1 FROM queue_recipients AS rest \
             WHERE rest.message_id = queue_messages.id AND rest.state IN (0, 2, 3, 5) AND rest.lease <> CASE queue_messages.id {cases}END)"
        ))
        .bind_all(ids())
        .bind_all(padded().flat_map(|(id, token)| [Value::from(id.0), Value::from(*token)]))
        .execute()
        .await?;
    let mut finished: BTreeSet<MailId> = claims.keys().copied().collect();
    if removed < finished.len() as u64 {
        let left = tx
            .query_built(format!("SELECT id FROM queue_messages WHERE id IN ({listed})"))
            .bind_all(ids());
        for id in left.all(|row| row.integer(0).map(MailId)).await? {
            finished.remove(&id);
        }
    }
    if let Some(last) = finished.last() {
        let length = finished.len().next_power_of_two();
        let ids: Vec<MailId> = finished.iter().chain(std::iter::repeat(last)).take(length).copied().collect();
        tx.query_built(format!("DELETE FROM queue_recipients WHERE message_id IN ({})", marks(length)))
            .bind_all(ids.iter().map(|id| Value::from(id.0)))
            .execute()
            .await?;
        contents::remove(tx, ids.into_iter()).await?;
    }
    Ok(finished)
}

/// Binds the destinations, then `now` for `next_attempt_at` and for `lease_until`.
fn bind_due<'t>(query: Query<'t>, destinations: &[Host], now: i64) -> Query<'t> {
    let query = destinations.iter().fold(query, |query, host| query.bind(host.to_string()));
    query.bind(now).bind(now)
}
