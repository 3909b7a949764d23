//! Webhooks: programs elsewhere that are told of events, and how that went.

use jiff::Timestamp;

use super::address::Domain;
use super::event::EventKind;
use super::ids::{DeliveryId, WebhookId};
use super::revision::Revision;

/// A program that is told of events, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where events are posted.
    pub url: String,
    /// Of these kinds; none: all.
    pub kinds: Vec<EventKind>,
    /// In these domains; none: all, and what happens in none.
    pub domains: Vec<Domain>,
    /// Whether it is told of anything.
    pub enabled: bool,
    /// Free text.
    pub description: String,
    /// Since when nothing arrives, if the last attempt failed.
    pub failing_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Webhook {
    /// The state it is in; how deliveries go is no part of it.
    pub fn revision(&self) -> Revision {
        Revision::new(self.id.0, self.updated_at)
    }

    /// Whether it is to be told of such an event.
    pub fn wants(&self, kind: EventKind, domain: Option<&Domain>) -> bool {
        let wants_kind = self.kinds.is_empty() || self.kinds.contains(&kind);
        wants_kind && (self.domains.is_empty() || domain.is_some_and(|domain| self.domains.contains(domain)))
    }
}

/// What became of an event that is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be posted, perhaps once more.
    Waiting,
    /// It was taken.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Failed];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

impl std::fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for DeliveryState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| "right would be waiting, delivered or failed".to_owned())
    }
}

/// An event on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, which the webhook is told too: the same at each attempt.
    pub id: DeliveryId,
    /// To whom.
    pub webhook: WebhookId,
    /// The number of the event; none of a test.
    pub event: Option<i64>,
    /// The kind of the event.
    pub kind: String,
    /// What is posted.
    pub body: String,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// The last answer's status.
    pub status: Option<u16>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When it is tried next, or who has it in hand gives it back.
    pub next_at: Timestamp,
    /// When it was last tried.
    pub tried_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_wants_its_kinds_and_domains() {
        let mut webhook = Webhook {
            id: WebhookId(1),
            url: String::new(),
            kinds: vec![],
            domains: vec![],
            enabled: true,
            description: String::new(),
            failing_since: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let (house, other): (Domain, Domain) = ("house.test".parse().unwrap(), "other.test".parse().unwrap());
        assert!(webhook.wants(EventKind::LoginFailed, None));
        webhook.domains.push(house.clone());
        assert!(!webhook.wants(EventKind::LoginFailed, None) && !webhook.wants(EventKind::LoginFailed, Some(&other)));
        webhook.kinds.push(EventKind::QuotaNear);
        assert!(webhook.wants(EventKind::QuotaNear, Some(&house)) && !webhook.wants(EventKind::LoginFailed, Some(&house)));
    }
}
