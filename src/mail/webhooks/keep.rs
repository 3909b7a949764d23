//! The webhooks and their deliveries: made, shown, changed, removed, posted once more.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Webhooks, sign};
use crate::mail::audit;
use crate::mail::directory::{MOST_OF_PAGE, Page};
use crate::model::address::Domain;
use crate::model::audit::{Actor, Deed, Resource};
use crate::model::clock;
use crate::model::event::EventKind;
use crate::model::ids::{DeliveryId, WebhookId};
use crate::model::refusal::Refusal;
use crate::model::revision::Expectation;
use crate::model::secret::Secret;
use crate::model::webhook::{Delivery, DeliveryState, Webhook};
use crate::store::db::webhooks::{self as rows, StoredWebhook};
use crate::store::db::{self, Tx};

const MAX_DESCRIPTION: usize = 2_000;
const MAX_DOMAINS: usize = 1_000;
/// For how long an old secret signs beside the new one, in milliseconds: so long does a program have to learn it.
const BOTH_MS: i64 = 24 * 3_600_000;

/// What to make a webhook of.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Where events are posted.
    pub url: String,
    /// Of these kinds; none: all.
    pub kinds: Vec<EventKind>,
    /// In these domains; none: all.
    pub domains: Vec<Domain>,
    /// Whether it is told of anything.
    pub enabled: bool,
    /// Free text.
    pub description: String,
}

/// A change of a webhook: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// Where events are posted.
    pub url: Option<String>,
    /// Of these kinds; none: all.
    pub kinds: Option<Vec<EventKind>>,
    /// In these domains; none: all.
    pub domains: Option<Vec<Domain>>,
    /// Whether it is told of anything. One that is enabled is told of what happens from then on.
    pub enabled: Option<bool>,
    /// Free text.
    pub description: Option<String>,
}

impl Webhooks {
    /// All of them, oldest first.
    pub async fn list(&self) -> Result<Vec<Webhook>, Refusal> {
        let mut tx = self.inner.database.read_alone().await?;
        Ok(rows::list(&mut tx).await?.into_iter().map(|stored| stored.webhook).collect())
    }

    /// One of them. Errors: NotFound.
    pub async fn show(&self, id: WebhookId) -> Result<Webhook, Refusal> {
        Ok(known(&mut self.inner.database.read_alone().await?, id).await?.webhook)
    }

    /// Makes one; its secret (`whsec_…`) is shown this once. Errors: Invalid, LimitReached.
    pub async fn create(&self, new: NewWebhook, by: &Actor) -> Result<(Webhook, Secret), Refusal> {
        self.inner.targets.check(&new.url)?;
        let now = self.now();
        let webhook = Webhook {
            id: WebhookId::fresh(),
            url: new.url,
            kinds: each_once(new.kinds),
            domains: domains(new.domains)?,
            enabled: new.enabled,
            description: description(new.description)?,
            failing_since: None,
            created_at: now,
            updated_at: now,
        };
        let secret = sign::fresh();
        let mut tx = self.inner.database.write().await?;
        let most = self.inner.settings.max_webhooks;
        if rows::list(&mut tx).await?.len() >= most {
            return Err(Refusal::LimitReached(format!("there are {most} webhooks already")));
        }
        let stored = StoredWebhook {
            webhook,
            secret,
            old_secret: None,
            looked_at: db::events::newest(&mut tx).await?,
        };
        rows::insert(&mut tx, &stored).await?;
        note(&mut tx, by, Deed::WebhookCreated, (None, Some(&stored.webhook))).await?;
        tx.commit().await?;
        Ok((stored.webhook, sign::shown(&stored.secret)))
    }

    /// Changes one. Errors: NotFound, Invalid, Changed.
    pub async fn change(&self, id: WebhookId, wanted: WebhookChange, expected: &Expectation, by: &Actor) -> Result<Webhook, Refusal> {
        if let Some(url) = &wanted.url {
            self.inner.targets.check(url)?;
        }
        let (domains, description) = (
            wanted.domains.map(domains).transpose()?,
            wanted.description.map(description).transpose()?,
        );
        let mut tx = self.inner.database.write().await?;
        let mut stored = known(&mut tx, id).await?;
        expected.check(Some(stored.webhook.revision()))?;
        let before = stored.webhook.clone();
        let webhook = &mut stored.webhook;
        webhook.url = wanted.url.unwrap_or_else(|| std::mem::take(&mut webhook.url));
        webhook.kinds = wanted.kinds.map_or_else(|| std::mem::take(&mut webhook.kinds), each_once);
        webhook.domains = domains.unwrap_or_else(|| std::mem::take(&mut webhook.domains));
        webhook.description = description.unwrap_or_else(|| std::mem::take(&mut webhook.description));
        webhook.updated_at = self.after(webhook.updated_at);
        if let Some(enabled) = wanted.enabled {
            if enabled && !webhook.enabled {
                webhook.failing_since = None;
                let newest = db::events::newest(&mut tx).await?;
                rows::look_from(&mut tx, id, newest).await?;
            }
            webhook.enabled = enabled;
        }
        rows::update(&mut tx, &stored).await?;
        note(&mut tx, by, Deed::WebhookChanged, (Some(&before), Some(&stored.webhook))).await?;
        tx.commit().await?;
        Ok(stored.webhook)
    }

    /// Gives one another secret, which is shown this once; the old one signs as well for a day. Errors: NotFound.
    pub async fn rotate(&self, id: WebhookId, by: &Actor) -> Result<(Webhook, Secret), Refusal> {
        let mut tx = self.inner.database.write().await?;
        let mut stored = known(&mut tx, id).await?;
        let old = std::mem::replace(&mut stored.secret, sign::fresh());
        stored.old_secret = Some((old, self.inner.clock.now_ms().saturating_add(BOTH_MS)));
        stored.webhook.updated_at = self.after(stored.webhook.updated_at);
        rows::update(&mut tx, &stored).await?;
        note(&mut tx, by, Deed::WebhookRotated, (None, Some(&stored.webhook))).await?;
        tx.commit().await?;
        Ok((stored.webhook, sign::shown(&stored.secret)))
    }

    /// Removes one, with its deliveries. Errors: NotFound, Changed.
    pub async fn remove(&self, id: WebhookId, expected: &Expectation, by: &Actor) -> Result<(), Refusal> {
        let mut tx = self.inner.database.write().await?;
        let stored = known(&mut tx, id).await?;
        expected.check(Some(stored.webhook.revision()))?;
        rows::delete(&mut tx, id).await?;
        note(&mut tx, by, Deed::WebhookRemoved, (Some(&stored.webhook), None)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A page of the deliveries of a webhook, the newest first. Errors: NotFound (the webhook).
    pub async fn deliveries(
        &self,
        id: WebhookId,
        state: Option<DeliveryState>,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Page<Delivery>, Refusal> {
        let limit = limit.clamp(1, MOST_OF_PAGE);
        let one_more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
        let mut tx = self.inner.database.read().await?;
        known(&mut tx, id).await?;
        let mut items = rows::deliveries(&mut tx, id, state, before, one_more).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more {
            items.last().map(|delivery| delivery.id.to_string())
        } else {
            None
        };
        Ok(Page { items, next })
    }

    /// Posts an event once more, whatever became of it: at once, and with all further attempts. Errors: NotFound; InUse (the webhook is
    /// disabled).
    pub async fn replay(&self, id: WebhookId, delivery: DeliveryId) -> Result<Delivery, Refusal> {
        let mut tx = self.inner.database.write().await?;
        enabled(known(&mut tx, id).await?)?;
        if rows::find_delivery(&mut tx, id, delivery).await?.is_none() {
            return Err(not_found("delivery", delivery));
        }
        rows::begin_anew(&mut tx, delivery, self.inner.clock.now_ms()).await?;
        let found = rows::find_delivery(&mut tx, id, delivery).await?;
        tx.commit().await?;
        found.ok_or_else(|| not_found("delivery", delivery))
    }

    /// Posts a test event now; what came of it. There is no second attempt. Errors: NotFound, InUse (the webhook is disabled).
    pub async fn test(&self, id: WebhookId) -> Result<Delivery, Refusal> {
        let now = self.inner.clock.now();
        let mut tx = self.inner.database.write().await?;
        let stored = enabled(known(&mut tx, id).await?)?;
        let mut delivery = Delivery {
            id: DeliveryId::fresh(),
            webhook: id,
            event: None,
            kind: "webhook.test".to_owned(),
            body: json!({ "type": "webhook.test", "timestamp": now.to_string(), "data": {} }).to_string(),
            // Nobody else takes it in hand.
            state: DeliveryState::Failed,
            attempts: 0,
            status: None,
            error: None,
            next_at: now,
            tried_at: None,
        };
        rows::insert_deliveries(&mut tx, std::slice::from_ref(&delivery)).await?;
        tx.commit().await?;
        self.attempt(&stored, &mut delivery).await;
        if delivery.state == DeliveryState::Waiting {
            delivery.state = DeliveryState::Failed;
        }
        let mut tx = self.inner.database.write().await?;
        rows::settle(&mut tx, &delivery).await?;
        tx.commit().await?;
        Ok(delivery)
    }

    /// Now, as the database keeps it.
    pub(super) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Now, but later than the last change: no two states have the same time.
    fn after(&self, last: Timestamp) -> Timestamp {
        clock::timestamp(self.inner.clock.now_ms().max(last.as_millisecond().saturating_add(1)))
    }
}

async fn known(tx: &mut Tx, id: WebhookId) -> Result<StoredWebhook, Refusal> {
    rows::find(tx, id).await?.ok_or_else(|| not_found("webhook", id))
}

fn enabled(stored: StoredWebhook) -> Result<StoredWebhook, Refusal> {
    match stored.webhook.enabled {
        true => Ok(stored),
        false => Err(Refusal::InUse("the webhook is disabled; enable it first".into())),
    }
}

fn not_found(what: &'static str, name: impl ToString) -> Refusal {
    Refusal::NotFound {
        what,
        name: name.to_string(),
    }
}

async fn note(tx: &mut Tx, by: &Actor, deed: Deed, (before, after): (Option<&Webhook>, Option<&Webhook>)) -> Result<(), Refusal> {
    let Some(webhook) = after.or(before) else { return Ok(()) };
    let mut resource = Resource::of_server("webhooks", webhook.id);
    if let [domain] = webhook.domains.as_slice() {
        resource.domain = Some(domain.clone());
    }
    let entry = audit::entry(by, deed, resource, (before.map(shown), after.map(shown)));
    Ok(db::audit::insert(tx, &[entry]).await?)
}

fn shown(webhook: &Webhook) -> Value {
    let kinds: Vec<&str> = webhook.kinds.iter().map(|kind| kind.as_str()).collect();
    let domains: Vec<&str> = webhook.domains.iter().map(Domain::as_str).collect();
    json!({
        "url": webhook.url, "kinds": kinds, "domains": domains, "enabled": webhook.enabled, "description": webhook.description,
    })
}

fn each_once(mut kinds: Vec<EventKind>) -> Vec<EventKind> {
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn domains(domains: Vec<Domain>) -> Result<Vec<Domain>, Refusal> {
    match domains.len() <= MAX_DOMAINS {
        true => Ok(domains),
        false => Err(Refusal::Invalid {
            field: "domains",
            problem: format!("more than {MAX_DOMAINS} domains"),
        }),
    }
}

fn description(text: String) -> Result<String, Refusal> {
    match text.chars().count() <= MAX_DESCRIPTION {
        true => Ok(text),
        false => Err(Refusal::Invalid {
            field: "description",
            problem: format!("longer than {MAX_DESCRIPTION} characters"),
        }),
    }
}
