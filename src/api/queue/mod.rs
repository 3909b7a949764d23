//! Outgoing mail that waits: look at it, hold and release it, try it now, give it up, drop it.

pub(super) mod bulk;
pub(super) mod change;
pub(super) mod expire;
pub(super) mod list;
mod pick;
pub(super) mod remove;
pub(super) mod retry;
pub(super) mod show;

use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;
use crate::mail::queue;
use crate::model;

/// A message that waits to go out.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "sender": "alice@example.test", "size": 2431,
    "created_at": "2026-11-23T20:19:30.125Z", "expires_at": "2026-11-28T20:19:30.125Z", "held": false,
    "recipients": [{
        "address": "bob@elsewhere.test", "domain": "elsewhere.test", "state": "waiting", "attempts": 2,
        "next_attempt_at": "2026-11-23T20:49:30.125Z", "last_error": "451 4.7.1 greylisted"
    }]
}))]
pub(super) struct QueuedMessage {
    id: String,
    /// Where bounces go; empty for a message that must not be answered.
    sender: String,
    /// Octets.
    size: u64,
    /// When it was made.
    created_at: Time,
    /// When it is given up.
    expires_at: Time,
    /// Whether any recipient is held.
    held: bool,
    recipients: Vec<QueuedRecipient>,
}

/// A recipient of a message that waits.
#[derive(Serialize, ToSchema)]
pub(super) struct QueuedRecipient {
    address: String,
    /// Where it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    state: RecipientState,
    /// How often it was tried.
    attempts: u32,
    /// When it is tried again.
    next_attempt_at: Time,
    /// The last reply or error.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

/// What became of a recipient so far.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum RecipientState {
    Waiting,
    Held,
    Delivered,
    Failed,
}

impl From<queue::QueuedMail> for QueuedMessage {
    fn from(mail: queue::QueuedMail) -> Self {
        Self {
            id: mail.id.to_string(),
            sender: mail.sender.path.to_string(),
            size: mail.size,
            created_at: Time(mail.created_at),
            expires_at: Time(mail.expires_at),
            held: mail
                .recipients
                .iter()
                .any(|recipient| recipient.state == model::queue::RecipientState::Held),
            recipients: mail.recipients.into_iter().map(QueuedRecipient::from).collect(),
        }
    }
}

impl From<queue::QueuedRecipient> for QueuedRecipient {
    fn from(queued: queue::QueuedRecipient) -> Self {
        Self {
            address: queued.recipient.address.to_string(),
            domain: queued.domain.map(|domain| domain.to_string()),
            state: match queued.state {
                model::queue::RecipientState::Waiting => RecipientState::Waiting,
                model::queue::RecipientState::Held => RecipientState::Held,
                model::queue::RecipientState::Delivered => RecipientState::Delivered,
                model::queue::RecipientState::Failed => RecipientState::Failed,
            },
            attempts: queued.attempts,
            next_attempt_at: Time(queued.next_attempt_at),
            last_error: queued.last_error,
        }
    }
}
