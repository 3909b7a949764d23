//! Passwords for mail clients, one for each: shown once, for some protocols, ended by themselves.

pub(super) mod create;
pub(super) mod list;
pub(super) mod remove;

use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;
use super::word::ProtocolName;
use crate::model::login;

/// An app password, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "name": "phone", "protocols": ["imap", "submission"], "created_at": "2026-11-23T20:19:30.125Z",
    "last_used_at": "2026-11-23T21:02:00Z"
}))]
pub(super) struct AppPassword {
    id: String,
    /// What it is for.
    name: String,
    /// What it is good for.
    protocols: Vec<ProtocolName>,
    /// When it was made.
    created_at: Time,
    /// When it stops working; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Time>,
}

impl From<login::AppPassword> for AppPassword {
    fn from(password: login::AppPassword) -> Self {
        Self {
            id: password.id.to_string(),
            name: password.name,
            protocols: password.protocols.into_iter().map(ProtocolName).collect(),
            created_at: Time(password.created_at),
            expires_at: password.expires_at.map(Time),
            last_used_at: password.last_used_at.map(Time),
        }
    }
}
