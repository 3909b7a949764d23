//! Addresses and networks of which nothing is taken.

pub(super) mod create;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod show;

use serde::Serialize;
use utoipa::ToSchema;

use super::field;
use super::problem::Problem;
use super::time::Time;
use crate::model::access;
use crate::model::network::Network;

/// A network whose connections are not taken, on no node.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "network": "192.0.2.7/32", "reason": "too many failed logins", "automatic": true, "times": 2,
    "created_at": "2026-11-23T20:19:30.125Z", "expires_at": "2026-11-23T22:19:30.125Z"
}))]
pub(super) struct Ban {
    /// The network.
    network: String,
    /// Why.
    reason: String,
    /// Whether the server decided so by itself.
    automatic: bool,
    /// How often the network was banned lately, with this time. Each automatic ban is twice as long as the one before.
    times: u32,
    /// Since when.
    created_at: Time,
    /// Until when; absent: until it is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
}

impl From<access::Ban> for Ban {
    fn from(ban: access::Ban) -> Self {
        Self {
            network: ban.network.to_string(),
            reason: ban.reason,
            automatic: ban.is_automatic,
            times: ban.times,
            created_at: Time(ban.created_at),
            expires_at: ban.ends_at.map(Time),
        }
    }
}

/// The network that a path names.
fn named(text: &str) -> Result<Network, Problem> {
    access::network_of(text).map_err(|_| field::not_found("ban", text))
}
