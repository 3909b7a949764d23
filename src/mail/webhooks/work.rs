//! The worker: makes deliveries of events, and tries those that are due.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::target::Signed;
use super::{Webhooks, sign};
use crate::mail::events::EventFilter;
use crate::model::clock::{Steps, milliseconds, timestamp};
use crate::model::event::{Event, EventKind};
use crate::model::ids::{DeliveryId, WebhookId};
use crate::model::refusal::Refusal;
use crate::model::webhook::{Delivery, DeliveryState, Webhook};
use crate::store::db::webhooks::{self as rows, StoredWebhook};

/// How often it is looked what is due, when no event comes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many events are looked at in one transaction.
const EVENTS: i64 = 500;
/// How many attempts of one webhook are under way at a time: one that is slow does not keep the others waiting.
const OF_ONE: usize = 4;
/// How long a delivery is in hand at most, beyond the time that an attempt may take, in milliseconds.
const SPARE_MS: i64 = 30_000;
const FORGET_EVERY: Duration = Duration::from_secs(600);
const FORGET_AT_ONCE: i64 = 500;
/// How long attempts under way may take when the server stops.
const FAREWELL: Duration = Duration::from_secs(5);

impl Webhooks {
    /// Works until `cancel`.
    pub async fn run(self, cancel: CancellationToken) {
        let mut news = self.inner.events.watch();
        let mut under_way: JoinSet<WebhookId> = JoinSet::new();
        let mut counts: HashMap<WebhookId, usize> = HashMap::new();
        let mut next_forgetting = Instant::now();
        let mut steps = Steps::of(self.inner.clock.clone());
        self.mend(self.inner.settings.retry_max_seconds.saturating_mul(2)).await;
        while !cancel.is_cancelled() {
            tokio::select! {
                () = cancel.cancelled() => break,
                _ = news.changed() => {}
                () = sleep(LOOK_EVERY) => {}
                Some(ended) = under_way.join_next() => forget_one(&mut counts, ended.ok()),
            }
            while let Some(ended) = under_way.try_join_next() {
                forget_one(&mut counts, ended.ok());
            }
            if under_way.is_empty() {
                counts.clear();
            }
            if steps.back().is_some() {
                self.mend(self.inner.settings.retry_first_seconds).await;
            }
            if let Err(error) = self.step(&mut under_way, &mut counts).await {
                tracing::warn!(%error, "webhooks are told of events later");
            }
            if next_forgetting <= Instant::now() {
                next_forgetting = Instant::now() + FORGET_EVERY;
                if let Err(error) = self.forget(&cancel).await {
                    tracing::warn!(%error, "old deliveries of webhooks cannot be forgotten");
                }
            }
        }
        let farewell = async { while under_way.join_next().await.is_some() {} };
        drop(tokio::time::timeout(FAREWELL, farewell).await);
    }

    /// What waits is tried after so many seconds at the latest: it may have been put off by a clock that was ahead.
    async fn mend(&self, seconds: u64) {
        let latest = self.inner.clock.now_ms().saturating_add(milliseconds(seconds));
        let mended = async {
            let mut tx = self.inner.database.write().await?;
            rows::pull_in(&mut tx, latest).await?;
            tx.commit().await
        };
        if let Err(error) = mended.await {
            tracing::warn!(%error, "deliveries of webhooks may wait for too long, if the clock was ahead");
        }
    }

    async fn step(&self, under_way: &mut JoinSet<WebhookId>, counts: &mut HashMap<WebhookId, usize>) -> Result<(), Refusal> {
        let mut tx = self.inner.database.read().await?;
        let enabled: Vec<StoredWebhook> = rows::list(&mut tx).await?.into_iter().filter(|it| it.webhook.enabled).collect();
        drop(tx);
        if enabled.is_empty() {
            return Ok(());
        }
        let newest = self.inner.events.newest().await?;
        for stored in &enabled {
            self.look(stored, newest).await?;
        }
        let now = self.inner.clock.now_ms();
        let due = rows::with_due(&mut self.inner.database.read_alone().await?, now).await?;
        for stored in enabled.into_iter().filter(|it| due.contains(&it.webhook.id)) {
            let count = counts.entry(stored.webhook.id).or_default();
            let free = OF_ONE.saturating_sub(*count);
            for (delivery, turn) in self.claim(&stored, free).await? {
                *count = count.saturating_add(1);
                let (webhooks, stored) = (self.clone(), stored.clone());
                under_way.spawn(async move {
                    let id = stored.webhook.id;
                    webhooks.try_one(stored, delivery).await;
                    drop(turn);
                    id
                });
            }
        }
        Ok(())
    }

    /// Makes deliveries of the events that were not looked at yet.
    async fn look(&self, stored: &StoredWebhook, newest: i64) -> Result<(), Refusal> {
        let (webhook, mut from) = (&stored.webhook, stored.looked_at);
        let filter = EventFilter {
            kinds: webhook.kinds.clone(),
            domains: (!webhook.domains.is_empty()).then(|| webhook.domains.clone()),
            since: None,
        };
        while from < newest {
            let events = self.inner.events.read(&filter, from, Some(newest), EVENTS).await?;
            let is_full = i64::try_from(events.len()).is_ok_and(|count| count >= EVENTS);
            let to = match events.last() {
                Some(last) if is_full => last.number,
                _ => newest,
            };
            let deliveries: Vec<Delivery> = events.iter().map(|event| delivery(webhook, event, self.now())).collect();
            let mut tx = self.inner.database.write().await?;
            // Another node may have been quicker.
            if !rows::advance(&mut tx, webhook.id, from, to).await? {
                return Ok(());
            }
            rows::insert_deliveries(&mut tx, &deliveries).await?;
            tx.commit().await?;
            from = to;
        }
        Ok(())
    }

    /// Takes up to `most` deliveries that are due in hand.
    async fn claim(&self, stored: &StoredWebhook, most: usize) -> Result<Vec<(Delivery, OwnedSemaphorePermit)>, Refusal> {
        let now = self.inner.clock.now_ms();
        let patience = i64::try_from(self.inner.settings.timeout_seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1_000);
        let until = now.saturating_add(patience).saturating_add(SPARE_MS);
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let mut tx = self.inner.database.write().await?;
        let mut claimed = Vec::new();
        for delivery in rows::due(&mut tx, stored.webhook.id, now, limit).await? {
            let Ok(turn) = std::sync::Arc::clone(&self.inner.turns).try_acquire_owned() else {
                break;
            };
            if rows::claim(&mut tx, &delivery, until).await? {
                claimed.push((delivery, turn));
            }
        }
        tx.commit().await?;
        Ok(claimed)
    }

    async fn try_one(&self, stored: StoredWebhook, mut delivery: Delivery) {
        self.attempt(&stored, &mut delivery).await;
        if let Err(error) = self.settle(&stored.webhook, &mut delivery).await {
            // It is tried again when the time that it was taken for is over.
            tracing::warn!(%error, delivery = %delivery.id, "what came of telling a webhook cannot be stored");
        }
    }

    /// Posts it once, and notes in it what came of that.
    pub(super) async fn attempt(&self, stored: &StoredWebhook, delivery: &mut Delivery) {
        let now = self.now();
        let old = stored.old_secret.as_ref().filter(|(_, until)| now.as_millisecond() < *until);
        let secrets = std::iter::once(stored.secret.as_slice()).chain(old.map(|(secret, _)| secret.as_slice()));
        let id = format!("msg_{}", delivery.id);
        let signed = Signed {
            signatures: sign::signatures(secrets, &id, now.as_second(), &delivery.body),
            seconds: now.as_second(),
            id,
        };
        let answer = self.inner.targets.post(&stored.webhook.url, signed, delivery.body.clone()).await;
        delivery.attempts = delivery.attempts.saturating_add(1);
        delivery.tried_at = Some(now);
        delivery.status = answer.as_ref().ok().copied();
        (delivery.state, delivery.error) = match answer {
            Ok(200..=299) => (DeliveryState::Delivered, None),
            Ok(status) => (DeliveryState::Waiting, Some(format!("it answered {status}"))),
            Err(error) => (DeliveryState::Waiting, Some(error)),
        };
    }

    async fn settle(&self, webhook: &Webhook, delivery: &mut Delivery) -> Result<(), Refusal> {
        let settings = &self.inner.settings;
        let now = self.inner.clock.now_ms();
        let mut tx = self.inner.database.write().await?;
        let mut is_over = false;
        if delivery.state == DeliveryState::Waiting {
            let begun = rows::begun_at(&mut tx, delivery.id).await?.unwrap_or(now);
            let wait = wait_ms(
                settings.retry_first_seconds,
                settings.retry_max_seconds,
                delivery.attempts,
                rand::random(),
            );
            delivery.next_at = timestamp(now.saturating_add(wait));
            if now.saturating_add(wait).saturating_sub(begun) > milliseconds(settings.expire_seconds) {
                delivery.state = DeliveryState::Failed;
            }
            rows::set_failing(&mut tx, webhook.id, Some(now)).await?;
            is_over = self.disable(&mut tx, webhook.id, now).await?;
        } else {
            rows::set_failing(&mut tx, webhook.id, None).await?;
        }
        rows::settle(&mut tx, delivery).await?;
        tx.commit().await?;
        if is_over {
            tracing::warn!(webhook = %webhook.id, url = webhook.url, "the webhook has taken nothing for too long and is disabled");
            let domain = match webhook.domains.as_slice() {
                [domain] => Some(domain.clone()),
                _ => None,
            };
            let data = json!({ "webhook": webhook.id.to_string(), "url": webhook.url, "error": delivery.error });
            self.inner.events.tell(EventKind::WebhookDisabled, domain, data);
        }
        Ok(())
    }

    /// Disables a webhook that has taken nothing for too long; whether it did.
    async fn disable(&self, tx: &mut crate::store::db::Tx, id: WebhookId, now: i64) -> Result<bool, Refusal> {
        let Some(mut stored) = rows::find(tx, id).await? else {
            return Ok(false);
        };
        let webhook = &mut stored.webhook;
        let since = webhook.failing_since.map_or(now, |since| since.as_millisecond());
        if !webhook.enabled || now.saturating_sub(since) <= milliseconds(self.inner.settings.disable_after_seconds) {
            return Ok(false);
        }
        webhook.enabled = false;
        webhook.updated_at = timestamp(now.max(webhook.updated_at.as_millisecond().saturating_add(1)));
        rows::update(tx, &stored).await?;
        Ok(true)
    }

    async fn forget(&self, cancel: &CancellationToken) -> Result<(), Refusal> {
        let days = i64::try_from(self.inner.settings.keep_days).unwrap_or(i64::MAX);
        let kept = SignedDuration::from_hours(days.saturating_mul(24));
        let first = DeliveryId::earliest(self.now().saturating_sub(kept).unwrap_or(Timestamp::MIN));
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

fn forget_one(counts: &mut HashMap<WebhookId, usize>, ended: Option<WebhookId>) {
    if let Some(count) = ended.and_then(|id| counts.get_mut(&id)) {
        *count = count.saturating_sub(1);
    }
}

/// The form that the specification recommends, with the number of the event, by which one that comes twice is known.
fn delivery(webhook: &Webhook, event: &Event, now: Timestamp) -> Delivery {
    let what = &event.what;
    let mut body = json!({
        "id": event.number.to_string(), "type": what.kind.as_str(), "timestamp": what.at.to_string(), "data": what.data,
    });
    if let (Some(domain), Some(fields)) = (&what.domain, body.as_object_mut()) {
        fields.insert("domain".to_owned(), json!(domain.as_str()));
    }
    Delivery {
        id: DeliveryId::fresh(),
        webhook: webhook.id,
        event: Some(event.number),
        kind: what.kind.to_string(),
        body: body.to_string(),
        state: DeliveryState::Waiting,
        attempts: 0,
        status: None,
        error: None,
        next_at: now,
        tried_at: None,
    }
}

/// How long to wait after so many attempts: twice as long after each, with some chance in it, as the queue does.
fn wait_ms(first: u64, most: u64, attempts: u32, chance: f64) -> i64 {
    let doublings = attempts.saturating_sub(1).min(40);
    let plain = first.saturating_mul(1 << doublings).min(most.max(first));
    let wait = Duration::from_secs(plain).mul_f64(0.75 + 0.5 * chance.clamp(0.0, 1.0));
    i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        for (attempts, ms) in [(1, 10_000), (2, 20_000), (3, 40_000), (5, 100_000), (u32::MAX, 100_000)] {
            assert_eq!(wait_ms(10, 100, attempts, 0.5), ms, "{attempts}");
        }
        assert_eq!((wait_ms(10, 100, 1, 0.0), wait_ms(10, 100, 1, 1.0)), (7_500, 12_500));
    }
}
