//! Certificates, and where plain-text logins are allowed.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::model::network::Network;

/// Certificates, and where plain-text logins are allowed.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain (PEM), relative to the working directory. None, here and in `tls.certificates`: a self-signed one is made under
    /// `tls/` of the data directory.
    #[schemars(example = "/etc/posthouse/certificate.pem")]
    pub certificate: Option<PathBuf>,
    /// The key of the certificate (PEM).
    #[schemars(example = "/etc/posthouse/key.pem")]
    pub key: Option<PathBuf>,
    /// More certificates: `[[tls.certificates]]` with `certificate` and `key` each. A client is shown the first that is for the name it
    /// asks for (SNI); for others there is that of `tls.certificate`, or else the first of these.
    pub certificates: Vec<CertificateFiles>,
    /// How often, in seconds, these files are looked at; those that changed are read again once they stay as they are, without a restart.
    /// SIGHUP has them read at once. A pair that cannot be used is logged, and the one that was read before stays.
    #[schemars(range(min = 1, max = 86_400))]
    pub watch_seconds: u64,
    /// From how many days before its end on a certificate is warned of in the log, once a day. 0: only when it has ended.
    #[schemars(range(min = 0, max = 3650))]
    pub warn_days: u64,
    /// At how many days before its end an event `certificate.expiring` tells of a certificate, once each; and once when it has ended. For
    /// certificates that live for a short time those of a third of it and more are left out: by then they are to be renewed. Empty: never.
    #[schemars(inner(range(min = 1, max = 365)))]
    pub expiry_event_days: Vec<u32>,
    /// Networks, such as `127.0.0.0/8`, whose clients may log in without TLS: for a proxy or a benchmark.
    pub allow_plaintext_auth_from: Vec<Network>,
}

/// A certificate with its key, in files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateFiles {
    /// The certificate chain (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            certificate: None,
            key: None,
            certificates: Vec::new(),
            watch_seconds: 5,
            warn_days: 14,
            expiry_event_days: vec![14, 7, 3, 1],
            allow_plaintext_auth_from: Vec::new(),
        }
    }
}

impl Tls {
    /// Whether no certificate is configured, so that one is made.
    pub fn is_self_signed(&self) -> bool {
        self.certificate.is_none() && self.certificates.is_empty()
    }

    pub(super) fn validate(&self) -> Result<(), Problem> {
        match (&self.certificate, &self.key) {
            (Some(_), None) => Err(Problem::new(
                "certificate",
                "stands alone; right would be its key in tls.key as well",
            )),
            (None, Some(_)) => Err(Problem::new(
                "key",
                "stands alone; right would be its certificate in tls.certificate as well",
            )),
            _ => Ok(()),
        }
    }
}
