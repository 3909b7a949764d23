//! The addresses that lead to others. `@domain` is the catch-all of a domain.

pub(super) mod change;
pub(super) mod create;
pub(super) mod list;
pub(super) mod put;
pub(super) mod remove;
pub(super) mod show;

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::field;
use super::problem::Problem;
use super::time::Time;
use crate::model::account;
use crate::model::address::EmailAddress;

/// The most destinations of an alias.
const DESTINATIONS: usize = 1000;

/// An alias.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "address": "info@example.test", "destinations": ["alice@example.test"], "enabled": true, "description": "", "metadata": {}, "tags": [],
    "created_at": "2026-11-23T20:19:30.125Z", "updated_at": "2026-11-23T20:19:30.125Z"
}))]
pub(super) struct Alias {
    /// What it answers to: an address, or `@domain` for every address of the domain that nothing else answers to.
    address: String,
    /// The same with its domain for people, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    unicode: Option<String>,
    /// Where its mail goes: users, other aliases, addresses outside.
    destinations: Vec<String>,
    /// A disabled alias answers as if it were not there.
    enabled: bool,
    /// Free text.
    description: String,
    /// When it ends: from then on it answers as if it were not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    /// Texts of the callers' own by name.
    metadata: BTreeMap<String, String>,
    /// Marks of the callers' own.
    tags: Vec<String>,
    /// When it was made.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

impl From<account::Alias> for Alias {
    fn from(alias: account::Alias) -> Self {
        Self {
            unicode: field::unicode(&alias.address.to_string()),
            address: alias.address.to_string(),
            destinations: alias.destinations.iter().map(EmailAddress::to_string).collect(),
            enabled: alias.enabled,
            description: alias.description,
            expires_at: alias.expires_at.map(Time),
            metadata: alias.labels.metadata,
            tags: alias.labels.tags.into_iter().collect(),
            created_at: Time(alias.created_at),
            updated_at: Time(alias.updated_at),
        }
    }
}

/// The destinations of a body.
fn destinations(texts: &[String]) -> Result<Vec<EmailAddress>, Problem> {
    if texts.is_empty() || texts.len() > DESTINATIONS {
        return Err(field::invalid(
            "destinations",
            format!("an alias has between 1 and {DESTINATIONS} destinations"),
        ));
    }
    field::values("destinations", texts)
}
