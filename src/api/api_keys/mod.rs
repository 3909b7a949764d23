//! The keys by which programs log in. A key is shown once, when it is made.

pub(super) mod change;
pub(super) mod create;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod rotate;
pub(super) mod show;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::field;
use super::problem::Problem;
use super::time::Time;
use super::word::ScopeName;
use crate::model::account;
use crate::model::address::Domain;
use crate::model::scope::Scope;
use crate::model::secret::Secret;

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01jzc8m3f9xkq", "name": "panel", "role": "domain_admin", "scopes": ["provision"], "domains": ["example.test"],
    "created_at": "2026-11-23T20:19:30.125Z", "updated_at": "2026-11-23T20:19:30.125Z", "last_used_at": "2026-11-23T21:02:00Z"
}))]
pub(super) struct ApiKey {
    id: String,
    /// What it is for.
    name: String,
    role: KeyRole,
    /// What it may be used for.
    scopes: Vec<ScopeName>,
    /// The only domains that it may touch; empty: all.
    domains: Vec<String>,
    /// When it was made.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
    /// When it stops working; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Time>,
}

/// As whom a key acts: as an administrator of its domains, or as one of the server, if it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyRole {
    DomainAdmin,
    ServerAdmin,
}

impl From<account::Role> for KeyRole {
    fn from(role: account::Role) -> Self {
        match role {
            account::Role::ServerAdmin => Self::ServerAdmin,
            account::Role::DomainAdmin | account::Role::User => Self::DomainAdmin,
        }
    }
}

impl From<account::ApiKey> for ApiKey {
    fn from(key: account::ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            role: key.role.into(),
            scopes: key.scopes.into_iter().map(ScopeName).collect(),
            domains: key.domains.iter().map(Domain::to_string).collect(),
            created_at: Time(key.created_at),
            updated_at: Time(key.updated_at),
            expires_at: key.expires_at.map(Time),
            last_used_at: key.last_used_at.map(Time),
        }
    }
}

/// A new key, or one with a new secret, which is never shown again.
#[derive(Serialize, ToSchema)]
pub(super) struct NewApiKey {
    #[serde(flatten)]
    about: ApiKey,
    /// Goes into `Authorization: Bearer …`. Keep it now.
    #[schema(example = "phk_6m9p2c4x7r1t5w8z")]
    key: String,
}

impl NewApiKey {
    fn new(about: account::ApiKey, secret: &Secret) -> Self {
        Self {
            about: about.into(),
            key: secret.expose().to_owned(),
        }
    }
}

/// The domains of a body.
fn domains(texts: &[String]) -> Result<Vec<Domain>, Problem> {
    field::values("domains", texts)
}

/// The scopes of a body.
fn scopes(names: Vec<ScopeName>) -> Vec<Scope> {
    names.into_iter().map(|name| name.0).collect()
}
