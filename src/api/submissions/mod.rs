//! Sending mail, and what became of it.

pub(super) mod create;
mod letter;
pub(super) mod show;

use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;
use crate::mail::traces::FateState;

/// A message that was sent.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "message_id": "01jzc8m3f9xkq@mail.example.test", "sender": "alice@example.test",
    "submitted_at": "2026-11-23T20:19:30.125Z", "queue_id": "01jzc8m3f9xkq",
    "recipients": [{"address": "bob@elsewhere.test", "state": "queued"}]
}))]
pub(super) struct Submission {
    id: String,
    /// Message-ID, without angle brackets.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    /// Where bounces go.
    sender: String,
    submitted_at: Time,
    /// Its id in the queue, if it waits, or waited, there.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_id: Option<String>,
    /// What became of it so far, for each recipient: for all of them when it is sent; later for the first 20.
    recipients: Vec<SubmissionRecipient>,
    /// The id of the copy, in the answer to the sending.
    #[serde(skip_serializing_if = "Option::is_none")]
    saved_message_id: Option<String>,
}

/// A recipient of a message that was sent.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"address": "bob@elsewhere.test", "state": "deferred", "detail": "451 4.7.1 greylisted"}))]
pub(super) struct SubmissionRecipient {
    address: String,
    state: SubmissionState,
    /// The last reply of the other server, or why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What became of a message for a recipient.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SubmissionState {
    /// It waits for its first delivery.
    Queued,
    /// It was tried in vain and will be tried again.
    Deferred,
    Delivered,
    Failed,
}

impl From<FateState> for SubmissionState {
    fn from(state: FateState) -> Self {
        match state {
            FateState::Delivered => Self::Delivered,
            FateState::Queued => Self::Queued,
            FateState::Deferred => Self::Deferred,
            FateState::Failed => Self::Failed,
        }
    }
}

/// A Message-ID without its angle brackets.
fn without_brackets(id: &str) -> String {
    id.trim_start_matches('<').trim_end_matches('>').to_owned()
}
