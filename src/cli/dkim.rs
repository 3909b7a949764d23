//! `posthouse dkim`.

use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;

use super::failure::Failure;
use super::output::{Output, Show};
use crate::app::Services;
use crate::model::address::Domain;
use crate::model::dkim::{Algorithm, DkimKey, KeyState, Selector};

/// The commands of `posthouse dkim`.
#[derive(Debug, Subcommand)]
pub(super) enum Dkim {
    /// Make keys for a domain: one of each algorithm, or the one asked for
    Add {
        /// The domain whose mail they are to sign
        domain: Domain,
        /// Only this algorithm
        #[arg(long)]
        algorithm: Option<AlgorithmName>,
        /// The name of the key; made of the algorithm and the date if absent
        #[arg(long, requires = "algorithm")]
        selector: Option<Selector>,
        /// Sign with them at once, before their records are published
        #[arg(long)]
        active: bool,
    },
    /// List the keys of a domain
    List {
        /// The domain
        domain: Domain,
    },
    /// Show a key with the DNS record to publish
    Show {
        /// The domain
        domain: Domain,
        /// The name of the key
        selector: Selector,
    },
    /// Sign with a key from now on, in place of the one of its algorithm that signed
    Activate {
        /// The domain
        domain: Domain,
        /// The name of the key
        selector: Selector,
    },
    /// Sign with a key no more; leave its record published for some days
    Retire {
        /// The domain
        domain: Domain,
        /// The name of the key
        selector: Selector,
    },
    /// Remove a key that does not sign
    Remove {
        /// The domain
        domain: Domain,
        /// The name of the key
        selector: Selector,
    },
}

/// An algorithm to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum AlgorithmName {
    /// RSA with 2048 bits
    Rsa,
    /// Ed25519
    Ed25519,
}

impl From<AlgorithmName> for Algorithm {
    fn from(name: AlgorithmName) -> Self {
        match name {
            AlgorithmName::Rsa => Self::Rsa,
            AlgorithmName::Ed25519 => Self::Ed25519,
        }
    }
}

impl Dkim {
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        let signing = &services.signing;
        match self {
            Self::Add {
                domain,
                algorithm,
                selector,
                active,
            } => {
                let state = if active { KeyState::Active } else { KeyState::Pending };
                let algorithms = algorithm.map_or(Algorithm::ALL.to_vec(), |name| vec![name.into()]);
                for algorithm in algorithms {
                    let key = signing.add(&domain, algorithm, selector.clone(), state).await?;
                    out.done(&added(&key), &View::from(key))?;
                }
                Ok(())
            }
            Self::List { domain } => {
                let keys = signing.keys(&domain).await?;
                out.rows(&keys.into_iter().map(View::from).collect::<Vec<_>>())
            }
            Self::Show { domain, selector } => {
                let key = signing.key(&domain, &selector).await?;
                let zone_line = key.zone_line();
                out.card(&View::from(key))?;
                if out.is_for_people() {
                    out.text(&format!("\n{zone_line}\n"))?;
                }
                Ok(())
            }
            Self::Activate { domain, selector } => {
                let key = signing.set_state(&domain, &selector, KeyState::Active).await?;
                out.done(&format!("The key {selector} signs the mail of {domain}."), &View::from(key))
            }
            Self::Retire { domain, selector } => {
                let key = signing.set_state(&domain, &selector, KeyState::Retired).await?;
                out.done(&format!("The key {selector} signs no more."), &View::from(key))
            }
            Self::Remove { domain, selector } => {
                signing.remove(&domain, &selector).await?;
                let document = json!({ "removed": selector.as_str(), "domain": domain.as_str() });
                out.done(&format!("Removed the key {selector} of {domain}."), &document)
            }
        }
    }
}

fn added(key: &DkimKey) -> String {
    let then = match key.state {
        KeyState::Active => "it signs already",
        KeyState::Pending | KeyState::Retired => "then activate it",
    };
    format!("Added key {}; publish this record, {then}: {}", key.selector, key.zone_line())
}

/// A key, as it is printed.
#[derive(Serialize)]
struct View {
    domain: String,
    selector: String,
    algorithm: &'static str,
    state: &'static str,
    dns_name: String,
    dns_record: String,
    created_at: String,
    updated_at: String,
}

impl From<DkimKey> for View {
    fn from(key: DkimKey) -> Self {
        Self {
            domain: key.domain.to_string(),
            selector: key.selector.to_string(),
            algorithm: key.algorithm.name(),
            state: key.state.name(),
            dns_name: key.record_name(),
            dns_record: key.record(),
            created_at: key.created_at.to_string(),
            updated_at: key.updated_at.to_string(),
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Selector", "Algorithm", "State", "Created", "Changed", "DNS name"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.selector.clone(),
            self.algorithm.into(),
            self.state.into(),
            self.created_at.clone(),
            self.updated_at.clone(),
            self.dns_name.clone(),
        ]
    }
}
