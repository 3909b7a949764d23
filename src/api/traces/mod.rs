//! The stories of messages: what happened to each.

pub(super) mod list;
pub(super) mod show;

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::time::Time;
use crate::model::clock::timestamp;
use crate::model::trace::{Event, Story};

/// The story of a message.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "begun_at": "2026-11-23T20:19:30.125Z",
    "steps": [{
        "at": "2026-11-23T20:19:30.125Z", "step": "stored", "text": "stored for alice@example.test",
        "details": {"user": "alice@example.test"}
    }]
}))]
pub(super) struct Trace {
    /// The id of the message: in its Received line, in the log, in the queue.
    id: String,
    /// When its first step happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    begun_at: Option<Time>,
    /// In the order in which they happened.
    steps: Vec<TraceStep>,
}

/// What happened to a message.
#[derive(Serialize, ToSchema)]
pub(super) struct TraceStep {
    /// When.
    at: Time,
    /// What: `received`, `refused`, `checked`, `scanned`, `milter`, `judged`, `not_judged`, `expanded`, `filtered`, `stored`, `not_stored`, `queued`, `attempt`, `reported`, `not_reported`, `steered`.
    step: String,
    /// The same in words.
    text: String,
    /// The same for programs; which fields there are depends on the step.
    #[schema(value_type = Object)]
    details: Map<String, Value>,
}

impl From<&Event> for TraceStep {
    fn from(event: &Event) -> Self {
        let mut details = match json!(event.step) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let step = details.remove("step").and_then(|name| name.as_str().map(str::to_owned));
        if let Some(next) = details.get_mut("next_at")
            && let Some(ms) = next.as_i64()
        {
            *next = json!(Time(timestamp(ms)));
        }
        Self {
            at: Time(event.at()),
            step: step.unwrap_or_default(),
            text: event.step.to_string(),
            details,
        }
    }
}

impl From<&Story> for Trace {
    fn from(story: &Story) -> Self {
        Self {
            id: story.id.to_string(),
            begun_at: story.events.first().map(|event| Time(event.at())),
            steps: story.events.iter().map(TraceStep::from).collect(),
        }
    }
}
