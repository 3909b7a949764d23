//! `posthouse api-key`.

use clap::Subcommand;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::Failure;
use super::house::House;
use super::output::{Output, Show};
use super::role::{self, RoleName};
use crate::mail::directory::NewApiKey;
use crate::model::account::{self, Role};
use crate::model::address::Domain;
use crate::model::ids::ApiKeyId;
use crate::model::scope::Scope;

/// The commands of `posthouse api-key`.
#[derive(Debug, Subcommand)]
pub(super) enum ApiKey {
    /// Make a key; it is printed this once
    Add {
        /// A name to know it by
        name: String,
        /// Follows from the domains: with any, domain_admin
        #[arg(long, value_name = "ROLE")]
        role: Option<RoleName>,
        /// A domain it may touch; give it once for each. Without any, it may touch all
        #[arg(long, required_if_eq("role", "domain_admin"))]
        domain: Vec<Domain>,
        /// What it may be used for, such as users:read; give it once for each. With a role or domains it may be left out: all that they may
        #[arg(long, value_name = "SCOPE", required_unless_present_any = ["role", "domain"])]
        scope: Vec<Scope>,
        /// When it stops working, such as 2030-01-01T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
    /// List all keys, without their secrets
    List,
    /// Remove a key: it stops working at once
    Remove {
        /// Its id, as `posthouse api-key list` shows it
        id: ApiKeyId,
    },
}

impl ApiKey {
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Add {
                name,
                role,
                domain,
                scope,
                expires_at,
            } => {
                if !domain.is_empty() && role.is_some_and(|role| Role::from(role) == Role::ServerAdmin) {
                    return Err(Failure::Usage(
                        "a server administrator's key is for all domains: leave out --domain".into(),
                    ));
                }
                let new = NewApiKey {
                    name,
                    scopes: if scope.is_empty() { vec![Scope::Everything] } else { scope },
                    domains: domain,
                    expires_at,
                };
                let view = add(house, new).await?;
                out.done(view.key.as_deref().unwrap_or_default(), &view)
            }
            Self::List => list(house, out).await,
            Self::Remove { id } => {
                remove(house, id).await?;
                out.done(&format!("Removed API key {id}."), &json!({ "removed": id.to_string() }))
            }
        }
    }
}

async fn add(house: &House, new: NewApiKey) -> Result<View, Failure> {
    match house {
        House::Here(services) => {
            let (key, secret) = services.directory.create_api_key(new).await?;
            Ok(View {
                key: Some(secret.expose().to_owned()),
                ..View::from(key)
            })
        }
        House::There(remote) => {
            let scopes: Vec<String> = new.scopes.iter().map(Scope::to_string).collect();
            let domains: Vec<String> = new.domains.iter().map(Domain::to_string).collect();
            let expires_at = new.expires_at.map(|time| time.to_string());
            let body = json!({ "name": new.name, "scopes": scopes, "domains": domains, "expires_at": expires_at });
            remote.post(&["api-keys"], &[], body).await
        }
    }
}

async fn list(house: &House, out: &mut Output) -> Result<(), Failure> {
    match house {
        House::Here(services) => {
            let keys = services.directory.api_keys().await?;
            out.rows(&keys.into_iter().map(View::from).collect::<Vec<_>>())
        }
        House::There(remote) => remote.each(&["api-keys"], &[], |views: Vec<View>| out.rows(&views)).await,
    }
}

async fn remove(house: &House, id: ApiKeyId) -> Result<(), Failure> {
    match house {
        House::Here(services) => Ok(services.directory.remove_api_key(id).await?),
        House::There(remote) => remote.delete(&["api-keys", &id.to_string()], &[]).await,
    }
}

/// An API key, as it is printed.
#[derive(Serialize, Deserialize)]
struct View {
    id: String,
    name: String,
    role: String,
    scopes: Vec<String>,
    domains: Vec<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<String>,
    /// The key itself, only when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl From<account::ApiKey> for View {
    fn from(key: account::ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            role: role::name(key.role).to_owned(),
            scopes: key.scopes.iter().map(Scope::to_string).collect(),
            domains: key.domains.iter().map(Domain::to_string).collect(),
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.map(|time| time.to_string()),
            last_used_at: key.last_used_at.map(|time| time.to_string()),
            key: None,
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Id", "Name", "Role", "Scopes", "Domains", "Created", "Expires", "Last used"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.name.clone(),
            self.role.clone(),
            self.scopes.join(" "),
            self.domains.join(" "),
            self.created_at.clone(),
            self.expires_at.clone().unwrap_or_default(),
            self.last_used_at.clone().unwrap_or_default(),
        ]
    }
}
