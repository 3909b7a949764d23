//! The domains that mail is received for.

pub(super) mod change;
pub(super) mod create;
pub(super) mod list;
pub(super) mod put;
pub(super) mod remove;
pub(super) mod show;

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;
use crate::model::account::DomainRecord;

/// A domain.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "domain": "example.test", "enabled": true, "description": "The shop", "metadata": {"panel.id": "17"}, "tags": ["pilot"],
    "created_at": "2026-11-23T20:19:30.125Z", "updated_at": "2026-11-23T20:19:30.125Z"
}))]
pub(super) struct Domain {
    /// Its name, internationalised names in their ASCII form (`xn--…`).
    domain: String,
    /// Its name for people, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    unicode: Option<String>,
    /// The domain that this one is another name of.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias_of: Option<String>,
    /// Whether it takes and sends mail.
    enabled: bool,
    /// Free text.
    description: String,
    /// Texts of the callers' own by name.
    metadata: BTreeMap<String, String>,
    /// Marks of the callers' own.
    tags: Vec<String>,
    /// When it was made.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

impl From<DomainRecord> for Domain {
    fn from(record: DomainRecord) -> Self {
        let unicode = record.domain.to_unicode();
        Self {
            unicode: (unicode != record.domain.as_str()).then_some(unicode),
            domain: record.domain.to_string(),
            alias_of: record.alias_of.map(|domain| domain.to_string()),
            enabled: record.enabled,
            description: record.description,
            metadata: record.labels.metadata,
            tags: record.labels.tags.into_iter().collect(),
            created_at: Time(record.created_at),
            updated_at: Time(record.updated_at),
        }
    }
}
