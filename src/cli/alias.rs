//! `posthouse alias`.

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::failure::Failure;
use super::output::{Output, Show};
use super::pages;
use crate::app::Services;
use crate::mail::directory::NewAlias;
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
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        let directory = &services.directory;
        match self {
            Self::Add {
                address,
                destinations,
                description,
            } => {
                let new = NewAlias {
                    description,
                    ..NewAlias::new(address, destinations)
                };
                let alias = directory.create_alias(new).await?;
                out.done(&format!("Added alias {}.", alias.address), &View::from(alias))
            }
            Self::List { domain } => {
                let fetch = async |after: Option<&str>| directory.aliases(domain.as_ref(), after, pages::PAGE).await;
                pages::each(fetch, |aliases| out.rows(&aliases.into_iter().map(View::from).collect::<Vec<_>>())).await
            }
            Self::Show { address } => out.card(&View::from(directory.alias(&address).await?)),
            Self::Remove { address } => {
                directory.remove_alias(&address).await?;
                out.done(&format!("Removed alias {address}."), &json!({ "removed": address.to_string() }))
            }
        }
    }
}

/// An alias, as it is printed.
#[derive(Serialize)]
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
