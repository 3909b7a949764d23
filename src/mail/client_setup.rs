//! What mail clients, and other servers, are told about the servers of a domain: for all our domains the same, and never whether there is
//! a user of a name.
//!
//! RFC 8461 §3.2 (the policy of MTA-STS).

use crate::config::{self, MtaStsMode};
use crate::mail::directory::Directory;
use crate::model::address::Domain;
use crate::model::client::ClientServers;
use crate::model::refusal::Refusal;
use crate::wire::mta_sts::{Mode, Policy};

/// What is told. Cheap to clone.
#[derive(Clone)]
pub struct ClientSetup {
    directory: Directory,
    /// The servers of mail clients.
    pub servers: ClientServers,
    /// What other servers are told of TLS; nothing where it is off.
    pub policy: Option<Policy>,
}

impl ClientSetup {
    /// Opens it. `hostname` takes mail, if `settings` do not name other hosts.
    pub fn open(directory: Directory, servers: ClientServers, (settings, hostname): (&config::MtaSts, &str)) -> Self {
        Self {
            directory,
            servers,
            policy: policy(settings, hostname),
        }
    }

    /// Whether the domain is one of ours. Errors: NotFound.
    pub async fn serves(&self, domain: &Domain) -> Result<(), Refusal> {
        let found = self.directory.domain(domain).await?;
        if found.enabled {
            return Ok(());
        }
        Err(Refusal::NotFound {
            what: "domain",
            name: domain.to_string(),
        })
    }
}

fn policy(settings: &config::MtaSts, hostname: &str) -> Option<Policy> {
    let mode = match settings.mode {
        MtaStsMode::Enforce => Mode::Enforce,
        MtaStsMode::Testing => Mode::Testing,
        MtaStsMode::None => Mode::None,
        MtaStsMode::Off => return None,
    };
    let mx = match settings.mx.as_slice() {
        [] => vec![hostname.to_lowercase()],
        hosts => hosts.iter().map(|host| host.to_lowercase()).collect(),
    };
    Some(Policy {
        mode,
        max_age: std::time::Duration::from_secs(settings.max_age_seconds),
        mx,
    })
}
