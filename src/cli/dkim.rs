//! `posthouse dkim`.

use clap::{Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::Failure;
use super::house::{House, operator};
use super::output::{Output, Show};
use crate::model::address::Domain;
use crate::model::dkim::{self, Algorithm, DkimKey, KeyState, Selector};

/// The keys below a domain, in the paths of the API.
const KEYS: &str = "dkim-keys";

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
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
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
                    let key = add(house, &domain, algorithm, selector.clone(), state).await?;
                    out.done(&added(&key), &key)?;
                }
                Ok(())
            }
            Self::List { domain } => list(house, &domain, out).await,
            Self::Show { domain, selector } => {
                let key = show(house, &domain, &selector).await?;
                out.card(&key)?;
                if out.is_for_people() {
                    out.text(&format!("\n{}\n", key.zone_line()))?;
                }
                Ok(())
            }
            Self::Activate { domain, selector } => {
                let key = set_state(house, &domain, &selector, KeyState::Active).await?;
                out.done(&format!("The key {selector} signs the mail of {domain}."), &key)
            }
            Self::Retire { domain, selector } => {
                let key = set_state(house, &domain, &selector, KeyState::Retired).await?;
                out.done(&format!("The key {selector} signs no more."), &key)
            }
            Self::Remove { domain, selector } => {
                remove(house, &domain, &selector).await?;
                let document = json!({ "removed": selector.as_str(), "domain": domain.as_str() });
                out.done(&format!("Removed the key {selector} of {domain}."), &document)
            }
        }
    }
}

async fn add(house: &House, domain: &Domain, algorithm: Algorithm, selector: Option<Selector>, state: KeyState) -> Result<View, Failure> {
    match house {
        House::Here(services) => Ok(services.signing.add(domain, algorithm, selector, state, &operator()).await?.into()),
        House::There(remote) => {
            let selector = selector.map(|selector| selector.to_string());
            let body = json!({ "algorithm": algorithm.name(), "selector": selector, "state": state.name() });
            let key: View = remote.post(&["domains", domain.as_str(), KEYS], &[], body).await?;
            Ok(key.of(domain))
        }
    }
}

async fn list(house: &House, domain: &Domain, out: &mut Output) -> Result<(), Failure> {
    match house {
        House::Here(services) => {
            let keys = services.signing.keys(domain).await?;
            out.rows(&keys.into_iter().map(View::from).collect::<Vec<_>>())
        }
        House::There(remote) => {
            let take = |keys: Vec<View>| out.rows(&keys.into_iter().map(|key| key.of(domain)).collect::<Vec<_>>());
            remote.each(&["domains", domain.as_str(), KEYS], &[], take).await
        }
    }
}

async fn show(house: &House, domain: &Domain, selector: &Selector) -> Result<View, Failure> {
    match house {
        House::Here(services) => Ok(services.signing.key(domain, selector).await?.into()),
        House::There(remote) => {
            let key: View = remote.get(&["domains", domain.as_str(), KEYS, selector.as_str()]).await?;
            Ok(key.of(domain))
        }
    }
}

async fn set_state(house: &House, domain: &Domain, selector: &Selector, state: KeyState) -> Result<View, Failure> {
    match house {
        House::Here(services) => Ok(services.signing.set_state(domain, selector, state, &operator()).await?.into()),
        House::There(remote) => {
            let path = ["domains", domain.as_str(), KEYS, selector.as_str()];
            let key: View = remote.patch(&path, &[], json!({ "state": state.name() })).await?;
            Ok(key.of(domain))
        }
    }
}

async fn remove(house: &House, domain: &Domain, selector: &Selector) -> Result<(), Failure> {
    match house {
        House::Here(services) => Ok(services.signing.remove(domain, selector, &operator()).await?),
        House::There(remote) => remote.delete(&["domains", domain.as_str(), KEYS, selector.as_str()], &[]).await,
    }
}

fn added(key: &View) -> String {
    let then = if key.state == KeyState::Active.name() {
        "it signs already"
    } else {
        "then activate it"
    };
    format!("Added key {}; publish this record, {then}: {}", key.selector, key.zone_line())
}

/// A key, as it is printed.
#[derive(Serialize, Deserialize)]
struct View {
    /// The API has it in the path alone.
    #[serde(default)]
    domain: String,
    selector: String,
    algorithm: String,
    state: String,
    dns_name: String,
    dns_record: String,
    created_at: String,
    updated_at: String,
}

impl View {
    fn of(self, domain: &Domain) -> Self {
        Self {
            domain: domain.to_string(),
            ..self
        }
    }

    fn zone_line(&self) -> String {
        dkim::zone_line(&self.dns_name, &self.dns_record)
    }
}

impl From<DkimKey> for View {
    fn from(key: DkimKey) -> Self {
        Self {
            domain: key.domain.to_string(),
            selector: key.selector.to_string(),
            algorithm: key.algorithm.name().to_owned(),
            state: key.state.name().to_owned(),
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
            self.algorithm.clone(),
            self.state.clone(),
            self.created_at.clone(),
            self.updated_at.clone(),
            self.dns_name.clone(),
        ]
    }
}
