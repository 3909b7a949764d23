//! Webhooks: programs elsewhere that are told of events, by a signed POST for each.
//!
//! Events become deliveries, which stand in the database: one node takes each in hand, tries it, and puts it off with waits that grow when
//! it fails, as the queue does with mail. What cannot be told for `webhooks.expire_seconds` is given up; a webhook that has taken nothing for
//! `webhooks.disable_after_seconds` is disabled, which is an event too. Each event is told at least once, in no certain order.
//!
//! Standard Webhooks 1.0 (the fields, the signature, the form of the body).

mod keep;
mod sign;
mod target;
mod work;

pub use keep::{NewWebhook, WebhookChange};

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::dns::Dns;
use super::events::Events;
use crate::config;
use crate::model::clock::Clock;
use crate::store::db::Database;

/// How many attempts are under way at a time, on a node.
const AT_ONCE: usize = 32;

/// The webhooks. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    settings: config::Webhooks,
    events: Events,
    targets: target::Targets,
    clock: Clock,
    /// So many attempts at a time.
    turns: Arc<Semaphore>,
}

impl Webhooks {
    /// Opens the webhooks.
    pub fn open(database: Database, settings: &config::Webhooks, events: Events, dns: Dns, clock: Clock) -> Self {
        let inner = Inner {
            database,
            targets: target::Targets::new(dns, settings.clone()),
            settings: settings.clone(),
            events,
            clock,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        };
        Self { inner: Arc::new(inner) }
    }
}
