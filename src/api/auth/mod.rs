//! Logging in: a name and a password for a pair of tokens.

pub(super) mod login;
pub(super) mod logout;
pub(super) mod refresh;

use serde::Serialize;
use utoipa::ToSchema;

use crate::mail::directory;

/// Tokens for a login.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZUBleGFtcGxlLnRlc3QifQ.c2lnbmF0dXJl",
    "refresh_token": "0c2d5f7e8a", "expires_in": 900, "token_type": "Bearer"
}))]
pub(super) struct Tokens {
    /// Goes into `Authorization: Bearer …`.
    access_token: String,
    /// Gets new tokens, once.
    refresh_token: String,
    /// Seconds until the access token ends.
    expires_in: u64,
    /// Always `Bearer`.
    token_type: &'static str,
}

impl From<directory::Tokens> for Tokens {
    fn from(tokens: directory::Tokens) -> Self {
        Self {
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            expires_in: tokens.expires_in,
            token_type: "Bearer",
        }
    }
}
