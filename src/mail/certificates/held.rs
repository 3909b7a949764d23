//! A certificate with its key, ready to be shown.

use std::fmt::Write;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};

use crate::wire::x509::{self, Described};

/// A certificate with its key.
pub(super) struct Held {
    pub(super) key: Arc<CertifiedKey>,
    pub(super) described: Described,
}

impl Held {
    /// A chain with the key of its first certificate. Error: they do not belong together, or are of no use.
    pub(super) fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, rustls::Error> {
        let unreadable = || rustls::Error::InvalidCertificate(rustls::CertificateError::BadEncoding);
        let described = x509::describe(chain.first().ok_or_else(unreadable)?).ok_or_else(unreadable)?;
        let key = CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider())?;
        Ok(Self {
            key: Arc::new(key),
            described,
        })
    }

    /// SHA-256 of the certificate, in hexadecimal.
    pub(super) fn fingerprint(&self) -> String {
        let digest = self.key.end_entity_cert().map(Sha256::digest);
        let mut text = String::new();
        for octet in digest.unwrap_or_default() {
            _ = write!(text, "{octet:02x}");
        }
        text
    }

    /// SHA-256 of the public key.
    pub(super) fn public_key_digest(&self) -> Option<[u8; 32]> {
        let parsed = ParsedCertificate::try_from(self.key.end_entity_cert().ok()?).ok()?;
        Some(Sha256::digest(parsed.subject_public_key_info()).into())
    }
}
