//! `posthouse domain`.

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::failure::Failure;
use super::output::{Output, Show};
use super::pages;
use crate::app::Services;
use crate::mail::directory::NewDomain;
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
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        let directory = &services.directory;
        match self {
            Self::Add {
                domain,
                alias_of,
                description,
            } => {
                let new = NewDomain {
                    alias_of,
                    description,
                    ..NewDomain::from(domain)
                };
                let record = directory.create_domain(new).await?;
                out.done(&format!("Added domain {}.", record.domain), &View::from(record))
            }
            Self::List => {
                let fetch = async |after: Option<&str>| directory.domains(after, pages::PAGE).await;
                pages::each(fetch, |records| out.rows(&records.into_iter().map(View::from).collect::<Vec<_>>())).await
            }
            Self::Show { domain } => out.card(&View::from(directory.domain(&domain).await?)),
            Self::Remove { domain } => {
                directory.remove_domain(&domain).await?;
                out.done(&format!("Removed domain {domain}."), &json!({ "removed": domain.as_str() }))
            }
        }
    }
}

/// A domain, as it is printed.
#[derive(Serialize)]
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
