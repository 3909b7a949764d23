//! The tables `events` and `event_counter`.

use super::{Error, Tx, Value};
use crate::model::address::Domain;
use crate::model::clock::timestamp;
use crate::model::event::{Event, EventKind, NewEvent};

/// Which events are asked for. What is `None` or empty picks all.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// Of these kinds.
    pub kinds: Vec<EventKind>,
    /// In these domains.
    pub domains: Option<Vec<Domain>>,
    /// From this moment on, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// After this number.
    pub after: i64,
    /// Up to this number.
    pub until: Option<i64>,
}

/// Adds events; the number of the last. Others who add some wait for the end of this transaction.
pub async fn append(tx: &mut Tx, events: &[NewEvent]) -> Result<i64, Error> {
    let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
    tx.query("UPDATE event_counter SET last = last + ? WHERE id = 1")
        .bind(count)
        .execute()
        .await?;
    let last = newest(tx).await?;
    let mut values = Vec::with_capacity(events.len() * 5);
    let first = last.saturating_sub(count).saturating_add(1);
    for (number, event) in (first..).zip(events) {
        values.extend([
            Value::from(number),
            Value::from(event.at.as_millisecond()),
            Value::from(event.kind.as_str()),
            Value::from(event.domain.as_ref().map(Domain::as_str)),
            Value::from(event.data.to_string()),
        ]);
    }
    tx.insert_many("INSERT INTO events (number, at, kind, domain, data) VALUES", 5, values)
        .await?;
    Ok(last)
}

/// The number of the last event that there is or was.
pub async fn newest(tx: &mut Tx) -> Result<i64, Error> {
    let found = tx
        .query("SELECT last FROM event_counter WHERE id = 1")
        .optional(|row| row.integer(0))
        .await?;
    found.ok_or(Error::Corrupt("event_counter"))
}

/// At most `limit` events, the oldest first.
pub async fn page(tx: &mut Tx, which: &Which, limit: i64) -> Result<Vec<Event>, Error> {
    let mut sql = String::from("SELECT number, at, kind, domain, data FROM events WHERE number > ?");
    let mut values = vec![Value::from(which.after)];
    if let Some(until) = which.until {
        sql.push_str(" AND number <= ?");
        values.push(until.into());
    }
    if let Some(since) = which.since_ms {
        sql.push_str(" AND at >= ?");
        values.push(since.into());
    }
    if !which.kinds.is_empty() {
        sql.push_str(&format!(" AND kind IN ({})", vec!["?"; which.kinds.len()].join(", ")));
        values.extend(which.kinds.iter().map(|kind| Value::from(kind.as_str())));
    }
    if let Some(domains) = &which.domains {
        let mut names: Vec<Value> = domains.iter().map(|domain| domain.as_str().into()).collect();
        if names.is_empty() {
            // No domain has an empty name.
            names.push("".into());
        }
        sql.push_str(&format!(" AND domain IN ({})", vec!["?"; names.len()].join(", ")));
        values.extend(names);
    }
    sql.push_str(" ORDER BY number LIMIT ?");
    let query = tx.query_built(sql).bind_all(values).bind(limit);
    let rows = query.all(|row| {
        Ok(Event {
            number: row.integer(0)?,
            what: NewEvent {
                at: timestamp(row.integer(1)?),
                kind: row.str(2)?.parse().map_err(|_| Error::Corrupt("events.kind"))?,
                domain: row.text_or_null(3)?.and_then(|text| text.parse().ok()),
                data: serde_json::from_str(row.str(4)?).map_err(|_| Error::Corrupt("events.data"))?,
            },
        })
    });
    rows.await
}

/// The number up to which all events are before this moment, in milliseconds since 1970, or more than `most` ago; at most `limit` further
/// than the oldest.
pub async fn expired(tx: &mut Tx, before_ms: i64, most: i64, limit: i64) -> Result<Option<i64>, Error> {
    let too_many = newest(tx).await?.saturating_sub(most);
    let oldest = tx
        .query("SELECT number, at FROM events ORDER BY number LIMIT ?")
        .bind(limit)
        .all(|row| Ok((row.integer(0)?, row.integer(1)?)))
        .await?;
    let old = oldest.into_iter().take_while(|(number, at)| *at < before_ms || *number <= too_many);
    Ok(old.last().map(|(number, _)| number))
}

/// Drops those up to this number.
pub async fn forget(tx: &mut Tx, number: i64) -> Result<(), Error> {
    tx.query("DELETE FROM events WHERE number <= ?")
        .bind(number)
        .execute()
        .await
        .map(drop)
}
