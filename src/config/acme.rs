//! Certificates from an authority, by ACME.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::model::address::Domain;

/// Certificates from an authority such as Let's Encrypt, by ACME: asked for, renewed and shared by all nodes through the database.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Acme {
    /// Whether certificates are asked for. That says that you agree to the authority's terms of service.
    pub enabled: bool,
    /// The directory of the authority.
    pub directory_url: String,
    /// Mail addresses at which the authority reaches you.
    pub contact: Vec<String>,
    /// The names to have a certificate for, one each. Empty: `hostname`.
    pub domains: Vec<String>,
    /// How it is proved that the names are this server's: `http-01`, which asks port 80 of each name, so that `listen.http` must be
    /// reached there; or `tls-alpn-01`, which asks port 443, so that `listen.https` must be.
    pub challenge: AcmeChallenge,
    /// A PEM file with certificate authorities to trust besides those of the system towards the directory, for one of your own.
    #[schemars(example = "/etc/posthouse/acme-root.pem")]
    pub ca_file: Option<PathBuf>,
    /// How often, in seconds, it is looked whether something is to be done, or another node has done it.
    #[schemars(range(min = 1, max = 3600))]
    pub watch_seconds: u64,
    /// After how many seconds a failed try is repeated; each further time takes twice as long, up to half a day.
    #[schemars(range(min = 1, max = 86_400))]
    pub retry_seconds: u64,
}

/// How it is proved that a name is this server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AcmeChallenge {
    /// By a page (RFC 8555 §8.3).
    #[serde(rename = "http-01")]
    Http01,
    /// By a TLS handshake (RFC 8737).
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
}

impl Default for Acme {
    fn default() -> Self {
        Self {
            enabled: false,
            directory_url: "https://acme-v02.api.letsencrypt.org/directory".into(),
            contact: Vec::new(),
            domains: Vec::new(),
            challenge: AcmeChallenge::Http01,
            ca_file: None,
            watch_seconds: 5,
            retry_seconds: 300,
        }
    }
}

impl Acme {
    pub(super) fn validate(&self) -> Result<(), Problem> {
        for name in &self.domains {
            Domain::parse(name)
                .map_err(|bad| Problem::new("domains", format!("has '{name}': {bad}; right would be 'mail.example.org'")))?;
        }
        match self.directory_url.starts_with("https://") {
            true => Ok(()),
            false => Err(Problem::new("directory_url", "is no https:// URL; RFC 8555 §6.1 wants one")),
        }
    }
}
