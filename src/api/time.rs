//! Times, as RFC 3339 §5.6 writes them.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::model::clock::timestamp;

/// A moment: `2026-11-23T20:19:30.125Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Milliseconds, as the database keeps them: a resource shows the same time when it is made and when it is asked for.
        serializer.collect_str(&timestamp(self.0.as_millisecond()))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("'{text}' is no time; right would be 2026-11-23T20:19:30Z"));
        text.parse().map(Self).map_err(|_: jiff::Error| wrong())
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2026-11-23T20:19:30.125Z"])
            .into()
    }
}

impl ToSchema for Time {
    fn name() -> Cow<'static, str> {
        "Time".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_millisecond_and_read_back() {
        let read = |text: &str| serde_json::from_str::<Time>(text);
        let time = read("\"2026-11-23T21:14:07.219871703+01:00\"").unwrap();
        assert_eq!(serde_json::to_string(&time).unwrap(), "\"2026-11-23T20:14:07.219Z\"");
        for wrong in ["\"2026-11-23\"", "\"now\"", "7"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
