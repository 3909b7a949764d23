//! What happens, as a list and as a stream.

pub mod list;
mod stream;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::time::Time;
use super::word::EventKindName;
use crate::model::event;

/// Something that happened.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "4711", "at": "2026-11-23T20:19:30.125Z", "kind": "message.stored", "domain": "example.test",
    "data": {"id": "01jzc8m3f9xkq", "user": "alice@example.test", "sender": "ada@elsewhere.test", "message_id": "<1@elsewhere.test>"}
}))]
pub(super) struct Event {
    /// Its number; later ones have larger numbers.
    id: String,
    /// When.
    at: Time,
    kind: EventKindName,
    /// The domain that it happened in, if in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// What there is to say of it; which fields there are depends on the kind.
    data: Map<String, Value>,
}

impl From<event::Event> for Event {
    fn from(event: event::Event) -> Self {
        let what = event.what;
        Self {
            id: event.number.to_string(),
            at: Time(what.at),
            kind: EventKindName(what.kind),
            domain: what.domain.map(|domain| domain.to_string()),
            data: match what.data {
                Value::Object(fields) => fields,
                _ => Map::new(),
            },
        }
    }
}
