//! The keys that sign access tokens.

pub(super) mod list;
pub(super) mod rotate;

use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;
use crate::mail::directory::SigningKey;

/// A key that signs access tokens, or did; never its secret.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "01jzc8m3f9xkq", "created_at": "2026-11-23T20:19:30.125Z", "signs": true}))]
pub(super) struct JwtKey {
    /// Stands as `kid` in the tokens that it signed.
    id: String,
    /// When it was made.
    created_at: Time,
    /// Whether it signs new tokens.
    signs: bool,
    /// Until when the tokens that it signed are honoured, once it signs no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<Time>,
}

impl From<SigningKey> for JwtKey {
    fn from(key: SigningKey) -> Self {
        Self {
            id: key.id.to_string(),
            created_at: Time(key.created_at),
            signs: key.ends_at.is_none(),
            ends_at: key.ends_at.map(Time),
        }
    }
}
