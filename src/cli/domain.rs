//! `posthouse domain`.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::Failure;
use super::house::House;
use super::output::{Output, Show};
use super::pages;
use crate::mail::directory::{NewDomain, Picked};
use crate::model::account::DomainRecord;
use crate::model::address;

/// The commands of `posthouse domain`.
#[derive(Debug, Subcommand)]
pub(super) enum Domain {
    /// Receive mail for a domain
    Add {
        /// Its name, such as example.org
        domain: address::Domain,
        /// Make it another name of this domain: x@DOMAIN goes where x@OTHER goes
        #[arg(long, value_name = "OTHER")]
        alias_of: Option<address::Domain>,
        /// A note for yourself
        #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
        description: String,
    },
    /// List all domains
    List,
    /// Show a domain
    Show {
        /// Its name
        domain: address::Domain,
    },
    /// Remove a domain that has no users or aliases any more
    Remove {
        /// Its name
        domain: address::Domain,
    },
}

impl Domain {
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Add {
                domain,
                alias_of,
                description,
            } => {
                let view = add(house, domain, alias_of, description).await?;
                out.done(&format!("Added domain {}.", view.domain), &view)
            }
            Self::List => list(house, out).await,
            Self::Show { domain } => out.card(&show(house, &domain).await?),
            Self::Remove { domain } => {
                remove(house, &domain).await?;
                out.done(&format!("Removed domain {domain}."), &json!({ "removed": domain.as_str() }))
            }
        }
    }
}

async fn add(house: &House, domain: address::Domain, alias_of: Option<address::Domain>, description: String) -> Result<View, Failure> {
    match house {
        House::Here(services) => {
            let new = NewDomain {
                alias_of,
                description,
                ..NewDomain::from(domain)
            };
            Ok(services.directory.create_domain(new).await?.into())
        }
        House::There(remote) => {
            let alias_of = alias_of.map(|domain| domain.to_string());
            let body = json!({ "domain": domain.as_str(), "alias_of": alias_of, "description": description });
            remote.post(&["domains"], &[], body).await
        }
    }
}

async fn list(house: &House, out: &mut Output) -> Result<(), Failure> {
    match house {
        House::Here(services) => {
            let fetch = async |after: Option<&str>| services.directory.domains(&Picked::default(), after, pages::PAGE).await;
            pages::each(fetch, |records| out.rows(&records.into_iter().map(View::from).collect::<Vec<_>>())).await
        }
        House::There(remote) => {
            remote
                .each(&["domains"], &[pages::limit()], |views: Vec<View>| out.rows(&views))
                .await
        }
    }
}

async fn show(house: &House, domain: &address::Domain) -> Result<View, Failure> {
    match house {
        House::Here(services) => Ok(services.directory.domain(domain).await?.into()),
        House::There(remote) => remote.get(&["domains", domain.as_str()]).await,
    }
}

async fn remove(house: &House, domain: &address::Domain) -> Result<(), Failure> {
    match house {
        House::Here(services) => Ok(services.directory.remove_domain(domain).await?),
        House::There(remote) => remote.delete(&["domains", domain.as_str()], &[]).await,
    }
}

/// A domain, as it is printed.
#[derive(Serialize, Deserialize)]
struct View {
    domain: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias_of: Option<String>,
    enabled: bool,
    description: String,
    created_at: String,
    updated_at: String,
}

impl From<DomainRecord> for View {
    fn from(record: DomainRecord) -> Self {
        Self {
            domain: record.domain.to_string(),
            alias_of: record.alias_of.map(|domain| domain.to_string()),
            enabled: record.enabled,
            description: record.description,
            created_at: record.created_at.to_string(),
            updated_at: record.updated_at.to_string(),
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Domain", "State", "Alias of", "Created", "Description"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.domain.clone(),
            if self.enabled { "enabled" } else { "disabled" }.into(),
            self.alias_of.clone().unwrap_or_default(),
            self.created_at.clone(),
            self.description.clone(),
        ]
    }
}
