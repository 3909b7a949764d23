//! `posthouse alias`.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::Failure;
use super::house::House;
use super::output::{Output, Show};
use super::pages;
use crate::mail::directory::{NewAlias, Picked};
use crate::model::account::{self, AliasAddress};
use crate::model::address::{Domain, EmailAddress};

/// The commands of `posthouse alias`.
#[derive(Debug, Subcommand)]
pub(super) enum Alias {
    /// Lead an address to others
    Add {
        /// The address, such as info@example.org; @example.org answers to every address that nothing else answers to
        address: AliasAddress,
        /// Where its mail goes: users, other aliases, or addresses elsewhere
        #[arg(required = true, value_name = "DESTINATION")]
        destinations: Vec<EmailAddress>,
        /// A note for yourself
        #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
        description: String,
    },
    /// List all aliases
    List {
        /// Only those of this domain
        #[arg(long)]
        domain: Option<Domain>,
    },
    /// Show an alias
    Show {
        /// Its address
        address: AliasAddress,
    },
    /// Remove an alias
    Remove {
        /// Its address
        address: AliasAddress,
    },
}

impl Alias {
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Add {
                address,
                destinations,
                description,
            } => {
                let view = add(house, address, destinations, description).await?;
                out.done(&format!("Added alias {}.", view.address), &view)
            }
            Self::List { domain } => list(house, domain, out).await,
            Self::Show { address } => out.card(&show(house, &address).await?),
            Self::Remove { address } => {
                remove(house, &address).await?;
                out.done(&format!("Removed alias {address}."), &json!({ "removed": address.to_string() }))
            }
        }
    }
}

async fn add(house: &House, address: AliasAddress, destinations: Vec<EmailAddress>, description: String) -> Result<View, Failure> {
    match house {
        House::Here(services) => {
            let new = NewAlias {
                description,
                ..NewAlias::new(address, destinations)
            };
            Ok(services.directory.create_alias(new).await?.into())
        }
        House::There(remote) => {
            let destinations: Vec<String> = destinations.iter().map(ToString::to_string).collect();
            let body = json!({ "address": address.to_string(), "destinations": destinations, "description": description });
            remote.post(&["aliases"], &[], body).await
        }
    }
}

async fn list(house: &House, domain: Option<Domain>, out: &mut Output) -> Result<(), Failure> {
    match house {
        House::Here(services) => {
            let picked = Picked {
                domains: domain.map(|domain| vec![domain]),
                ..Picked::default()
            };
            let fetch = async |after: Option<&str>| services.directory.aliases(&picked, after, pages::PAGE).await;
            pages::each(fetch, |aliases| out.rows(&aliases.into_iter().map(View::from).collect::<Vec<_>>())).await
        }
        House::There(remote) => {
            let domain = domain.map(|domain| ("domain", domain.to_string()));
            let query: Vec<_> = domain.into_iter().chain([pages::limit()]).collect();
            remote.each(&["aliases"], &query, |views: Vec<View>| out.rows(&views)).await
        }
    }
}

async fn show(house: &House, address: &AliasAddress) -> Result<View, Failure> {
    match house {
        House::Here(services) => Ok(services.directory.alias(address).await?.into()),
        House::There(remote) => remote.get(&["aliases", &address.to_string()]).await,
    }
}

async fn remove(house: &House, address: &AliasAddress) -> Result<(), Failure> {
    match house {
        House::Here(services) => Ok(services.directory.remove_alias(address).await?),
        House::There(remote) => remote.delete(&["aliases", &address.to_string()], &[]).await,
    }
}

/// An alias, as it is printed.
#[derive(Serialize, Deserialize)]
struct View {
    address: String,
    destinations: Vec<String>,
    enabled: bool,
    description: String,
    created_at: String,
    updated_at: String,
}

impl From<account::Alias> for View {
    fn from(alias: account::Alias) -> Self {
        Self {
            address: alias.address.to_string(),
            destinations: alias.destinations.iter().map(ToString::to_string).collect(),
            enabled: alias.enabled,
            description: alias.description,
            created_at: alias.created_at.to_string(),
            updated_at: alias.updated_at.to_string(),
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Address", "State", "Created", "Destinations", "Description"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.address.clone(),
            if self.enabled { "enabled" } else { "disabled" }.into(),
            self.created_at.clone(),
            self.destinations.join(", "),
            self.description.clone(),
        ]
    }
}
