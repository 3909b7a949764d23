//! The keys that sign a domain's outgoing mail. The private half is never shown.

pub(super) mod change;
pub(super) mod create;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod show;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::Time;
use crate::model::dkim;

/// A key that signs mail.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "selector": "ed25519-20261123", "algorithm": "ed25519", "state": "active",
    "dns_name": "ed25519-20261123._domainkey.example.test",
    "dns_record": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "created_at": "2026-11-23T20:19:30.125Z", "updated_at": "2026-11-23T20:19:30.125Z"
}))]
pub(super) struct DkimKey {
    /// Its name within the domain.
    selector: String,
    algorithm: DkimAlgorithm,
    state: DkimState,
    /// The name of the TXT record to publish.
    dns_name: String,
    /// Its text; longer than 255 octets, it is published as several strings.
    dns_record: String,
    /// When it was made.
    created_at: Time,
    /// When its state last changed.
    updated_at: Time,
}

impl From<dkim::DkimKey> for DkimKey {
    fn from(key: dkim::DkimKey) -> Self {
        Self {
            selector: key.selector.to_string(),
            algorithm: match key.algorithm {
                dkim::Algorithm::Rsa => DkimAlgorithm::Rsa,
                dkim::Algorithm::Ed25519 => DkimAlgorithm::Ed25519,
            },
            state: match key.state {
                dkim::KeyState::Pending => DkimState::Pending,
                dkim::KeyState::Active => DkimState::Active,
                dkim::KeyState::Retired => DkimState::Retired,
            },
            dns_name: key.record_name(),
            dns_record: key.record(),
            created_at: Time(key.created_at),
            updated_at: Time(key.updated_at),
        }
    }
}

/// How a key signs: RSA with 2048 bits, which every receiver knows, or Ed25519 (RFC 8463). Have one of each.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum DkimAlgorithm {
    Rsa,
    Ed25519,
}

impl From<DkimAlgorithm> for dkim::Algorithm {
    fn from(algorithm: DkimAlgorithm) -> Self {
        match algorithm {
            DkimAlgorithm::Rsa => Self::Rsa,
            DkimAlgorithm::Ed25519 => Self::Ed25519,
        }
    }
}

/// What a key is for: its record is to be published (`pending`), it signs (`active`, one of each algorithm), or it signs no more
/// while its record stays published (`retired`).
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum DkimState {
    Pending,
    Active,
    Retired,
}

impl From<DkimState> for dkim::KeyState {
    fn from(state: DkimState) -> Self {
        match state {
            DkimState::Pending => Self::Pending,
            DkimState::Active => Self::Active,
            DkimState::Retired => Self::Retired,
        }
    }
}
