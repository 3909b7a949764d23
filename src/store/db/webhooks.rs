//! The tables `webhooks` and `webhook_deliveries`.

use std::str::FromStr;

use super::{Error, Row, Tx, Value};
use crate::model::address::Domain;
use crate::model::clock::timestamp;
use crate::model::event::EventKind;
use crate::model::ids::{DeliveryId, WebhookId};
use crate::model::webhook::{Delivery, DeliveryState, Webhook};

/// A webhook with what signs for it.
#[derive(Debug, Clone)]
pub struct StoredWebhook {
    /// What everybody may see.
    pub webhook: Webhook,
    /// What signs.
    pub secret: Vec<u8>,
    /// What signed before, and until when it still does, in milliseconds since 1970.
    pub old_secret: Option<(Vec<u8>, i64)>,
    /// The number of the last event that was looked at for it.
    pub looked_at: i64,
}

macro_rules! columns {
    () => {
        "id, url, kinds, domains, enabled, description, failing_since, created_at, updated_at, secret, old_secret, old_until, looked_at"
    };
}

macro_rules! delivery_columns {
    () => {
        "id, webhook_id, event, kind, body, state, attempts, status, error, next_at, tried_at"
    };
}

fn stored(row: &Row<'_>) -> Result<StoredWebhook, Error> {
    let kinds = row.str(2)?.split_whitespace().map(EventKind::from_str).collect::<Result<_, _>>();
    let domains = row.str(3)?.split_whitespace().map(Domain::parse).collect::<Result<_, _>>();
    let old_secret = match row.integer_or_null(11)? {
        Some(until) => Some((row.blob(10)?, until)),
        None => None,
    };
    Ok(StoredWebhook {
        webhook: Webhook {
            id: WebhookId(row.integer(0)?),
            url: row.text(1)?,
            kinds: kinds.map_err(|_| Error::Corrupt("webhooks.kinds"))?,
            domains: domains.map_err(|_| Error::Corrupt("webhooks.domains"))?,
            enabled: row.integer(4)? != 0,
            description: row.text(5)?,
            failing_since: row.integer_or_null(6)?.map(timestamp),
            created_at: timestamp(row.integer(7)?),
            updated_at: timestamp(row.integer(8)?),
        },
        secret: row.blob(9)?,
        old_secret,
        looked_at: row.integer(12)?,
    })
}

/// Words with spaces between.
fn words<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

/// All of them, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<StoredWebhook>, Error> {
    tx.query(concat!("SELECT ", columns!(), " FROM webhooks ORDER BY id"))
        .all(stored)
        .await
}

/// The one of this id.
pub async fn find(tx: &mut Tx, id: WebhookId) -> Result<Option<StoredWebhook>, Error> {
    let query = tx.query(concat!("SELECT ", columns!(), " FROM webhooks WHERE id = ?"));
    query.bind(id.0).optional(stored).await
}

/// Adds one.
pub async fn insert(tx: &mut Tx, stored: &StoredWebhook) -> Result<(), Error> {
    let webhook = &stored.webhook;
    tx.query(concat!(
        "INSERT INTO webhooks (",
        columns!(),
        ") VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, NULL, NULL, ?)"
    ))
    .bind(webhook.id.0)
    .bind(&*webhook.url)
    .bind(words(&webhook.kinds))
    .bind(words(&webhook.domains))
    .bind(i64::from(webhook.enabled))
    .bind(&*webhook.description)
    .bind(webhook.created_at.as_millisecond())
    .bind(webhook.updated_at.as_millisecond())
    .bind(&*stored.secret)
    .bind(stored.looked_at)
    .execute()
    .await
    .map(drop)
}

/// Stores what can change of one, but for which events were looked at.
pub async fn update(tx: &mut Tx, stored: &StoredWebhook) -> Result<(), Error> {
    let webhook = &stored.webhook;
    let (old_secret, old_until) = stored.old_secret.clone().unzip();
    tx.query(
        "UPDATE webhooks SET url = ?, kinds = ?, domains = ?, enabled = ?, description = ?, failing_since = ?, updated_at = ?, secret = ?, \
         old_secret = ?, old_until = ? WHERE id = ?",
    )
    .bind(&*webhook.url)
    .bind(words(&webhook.kinds))
    .bind(words(&webhook.domains))
    .bind(i64::from(webhook.enabled))
    .bind(&*webhook.description)
    .bind(webhook.failing_since.map(|at| at.as_millisecond()))
    .bind(webhook.updated_at.as_millisecond())
    .bind(&*stored.secret)
    .bind(old_secret)
    .bind(old_until)
    .bind(webhook.id.0)
    .execute()
    .await
    .map(drop)
}

/// Removes one, with its deliveries.
pub async fn delete(tx: &mut Tx, id: WebhookId) -> Result<(), Error> {
    tx.query("DELETE FROM webhooks WHERE id = ?").bind(id.0).execute().await.map(drop)
}

/// Has it told of what happens after this event only.
pub async fn look_from(tx: &mut Tx, id: WebhookId, number: i64) -> Result<(), Error> {
    let update = tx.query("UPDATE webhooks SET looked_at = ? WHERE id = ?");
    update.bind(number).bind(id.0).execute().await.map(drop)
}

/// Notes that events were looked at; false if another node did that, or it was changed meanwhile.
pub async fn advance(tx: &mut Tx, id: WebhookId, from: i64, to: i64) -> Result<bool, Error> {
    let update = tx.query("UPDATE webhooks SET looked_at = ? WHERE id = ? AND looked_at = ? AND enabled = 1");
    Ok(update.bind(to).bind(id.0).bind(from).execute().await? == 1)
}

/// Notes since when nothing arrives; none: something did.
pub async fn set_failing(tx: &mut Tx, id: WebhookId, since_ms: Option<i64>) -> Result<(), Error> {
    match since_ms {
        Some(since) => {
            let update = tx.query("UPDATE webhooks SET failing_since = ? WHERE id = ? AND failing_since IS NULL");
            update.bind(since).bind(id.0).execute().await.map(drop)
        }
        None => {
            let update = tx.query("UPDATE webhooks SET failing_since = NULL WHERE id = ? AND failing_since IS NOT NULL");
            update.bind(id.0).execute().await.map(drop)
        }
    }
}

fn state(number: i64) -> Result<DeliveryState, Error> {
    match number {
        0 => Ok(DeliveryState::Waiting),
        1 => Ok(DeliveryState::Delivered),
        2 => Ok(DeliveryState::Failed),
        _ => Err(Error::Corrupt("webhook_deliveries.state")),
    }
}

const fn state_number(state: DeliveryState) -> i64 {
    match state {
        DeliveryState::Waiting => 0,
        DeliveryState::Delivered => 1,
        DeliveryState::Failed => 2,
    }
}

fn delivery(row: &Row<'_>) -> Result<Delivery, Error> {
    Ok(Delivery {
        id: DeliveryId(row.integer(0)?),
        webhook: WebhookId(row.integer(1)?),
        event: row.integer_or_null(2)?,
        kind: row.text(3)?,
        body: row.text(4)?,
        state: state(row.integer(5)?)?,
        attempts: u32::try_from(row.integer(6)?).unwrap_or(u32::MAX),
        status: row.integer_or_null(7)?.and_then(|status| u16::try_from(status).ok()),
        error: row.text_or_null(8)?,
        next_at: timestamp(row.integer(9)?),
        tried_at: row.integer_or_null(10)?.map(timestamp),
    })
}

/// Adds deliveries.
pub async fn insert_deliveries(tx: &mut Tx, deliveries: &[Delivery]) -> Result<(), Error> {
    let mut values = Vec::with_capacity(deliveries.len() * 9);
    for delivery in deliveries {
        values.extend([
            Value::from(delivery.id.0),
            Value::from(delivery.webhook.0),
            Value::from(delivery.event),
            Value::from(delivery.kind.as_str()),
            Value::from(delivery.body.as_str()),
            Value::from(state_number(delivery.state)),
            Value::from(i64::from(delivery.attempts)),
            Value::from(delivery.next_at.as_millisecond()),
            Value::from(delivery.id.at().as_millisecond()),
        ]);
    }
    let prefix = "INSERT INTO webhook_deliveries (id, webhook_id, event, kind, body, state, attempts, next_at, begun_at) VALUES";
    tx.insert_many(prefix, 9, values).await.map(drop)
}

/// At most `limit` deliveries of a webhook before this one, the newest first.
pub async fn deliveries(
    tx: &mut Tx,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    before: Option<DeliveryId>,
    limit: i64,
) -> Result<Vec<Delivery>, Error> {
    let mut sql = concat!(
        "SELECT ",
        delivery_columns!(),
        " FROM webhook_deliveries WHERE webhook_id = ? AND id < ?"
    )
    .to_owned();
    let mut values = vec![Value::from(webhook.0), Value::from(before.map_or(i64::MAX, |id| id.0))];
    if let Some(state) = state {
        sql.push_str(" AND state = ?");
        values.push(state_number(state).into());
    }
    sql.push_str(" ORDER BY id DESC LIMIT ?");
    tx.query_built(sql).bind_all(values).bind(limit).all(delivery).await
}

/// One delivery of a webhook.
pub async fn find_delivery(tx: &mut Tx, webhook: WebhookId, id: DeliveryId) -> Result<Option<Delivery>, Error> {
    let sql = concat!(
        "SELECT ",
        delivery_columns!(),
        " FROM webhook_deliveries WHERE webhook_id = ? AND id = ?"
    );
    tx.query(sql).bind(webhook.0).bind(id.0).optional(delivery).await
}

/// The enabled webhooks that something is due for.
pub async fn with_due(tx: &mut Tx, now_ms: i64) -> Result<Vec<WebhookId>, Error> {
    tx.query(
        "SELECT DISTINCT d.webhook_id FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id \
         WHERE d.state = 0 AND d.next_at <= ? AND w.enabled = 1",
    )
    .bind(now_ms)
    .all(|row| row.integer(0).map(WebhookId))
    .await
}

/// At most `limit` deliveries that are due for a webhook, the oldest first.
pub async fn due(tx: &mut Tx, webhook: WebhookId, now_ms: i64, limit: i64) -> Result<Vec<Delivery>, Error> {
    let sql = concat!(
        "SELECT ",
        delivery_columns!(),
        " FROM webhook_deliveries WHERE webhook_id = ? AND state = 0 AND next_at <= ? ORDER BY id LIMIT ?"
    );
    tx.query(sql).bind(webhook.0).bind(now_ms).bind(limit).all(delivery).await
}

/// After the clock went back: nothing waits beyond then.
pub async fn pull_in(tx: &mut Tx, latest_ms: i64) -> Result<(), Error> {
    let update = tx.query("UPDATE webhook_deliveries SET next_at = ? WHERE state = 0 AND next_at > ?");
    update.bind(latest_ms).bind(latest_ms).execute().await.map(drop)
}

/// Takes a delivery in hand until then; false if another node did.
pub async fn claim(tx: &mut Tx, delivery: &Delivery, until_ms: i64) -> Result<bool, Error> {
    let update = tx.query("UPDATE webhook_deliveries SET next_at = ? WHERE id = ? AND state = 0 AND next_at = ?");
    let found = update.bind(until_ms).bind(delivery.id.0).bind(delivery.next_at.as_millisecond());
    Ok(found.execute().await? == 1)
}

/// Stores what came of an attempt.
pub async fn settle(tx: &mut Tx, delivery: &Delivery) -> Result<(), Error> {
    tx.query("UPDATE webhook_deliveries SET state = ?, attempts = ?, status = ?, error = ?, next_at = ?, tried_at = ? WHERE id = ?")
        .bind(state_number(delivery.state))
        .bind(i64::from(delivery.attempts))
        .bind(delivery.status.map(i64::from))
        .bind(delivery.error.as_deref())
        .bind(delivery.next_at.as_millisecond())
        .bind(delivery.tried_at.map(|at| at.as_millisecond()))
        .bind(delivery.id.0)
        .execute()
        .await
        .map(drop)
}

/// When the first attempt was due, in milliseconds since 1970: anew for what is posted once more.
pub async fn begin_anew(tx: &mut Tx, id: DeliveryId, now_ms: i64) -> Result<(), Error> {
    let update = tx.query("UPDATE webhook_deliveries SET state = 0, attempts = 0, next_at = ?, begun_at = ? WHERE id = ?");
    update.bind(now_ms).bind(now_ms).bind(id.0).execute().await.map(drop)
}

/// Since when a delivery is tried, in milliseconds since 1970.
pub async fn begun_at(tx: &mut Tx, id: DeliveryId) -> Result<Option<i64>, Error> {
    let query = tx.query("SELECT begun_at FROM webhook_deliveries WHERE id = ?");
    query.bind(id.0).optional(|row| row.integer(0)).await
}

/// Drops at most about `limit` of those before this one; whether there may be more.
pub async fn forget(tx: &mut Tx, before: DeliveryId, limit: i64) -> Result<bool, Error> {
    let last = tx
        .query("SELECT id FROM webhook_deliveries WHERE id < ? ORDER BY id LIMIT 1 OFFSET ?")
        .bind(before.0)
        .bind(limit)
        .optional(|row| row.integer(0))
        .await?;
    let end = last.unwrap_or(before.0);
    tx.query("DELETE FROM webhook_deliveries WHERE id < ?").bind(end).execute().await?;
    Ok(last.is_some())
}
