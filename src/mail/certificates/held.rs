//! A certificate with its key, ready to be shown.

use std::fmt::Write;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::SignatureScheme;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};

use crate::wire::cms::{Algorithm, ToSign};
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

    /// The content with a signature, in the form of CMS. None: the key is of a kind that is not read everywhere, such as Ed25519.
    pub(super) fn sign(&self, content: &[u8], at: Timestamp) -> Option<Vec<u8>> {
        let schemes = [
            (SignatureScheme::RSA_PKCS1_SHA256, Algorithm::Rsa),
            (SignatureScheme::ECDSA_NISTP256_SHA256, Algorithm::EcdsaSha256),
            (SignatureScheme::ECDSA_NISTP384_SHA384, Algorithm::EcdsaSha384),
        ];
        let signer = self.key.key.choose_scheme(&schemes.map(|(scheme, _)| scheme))?;
        let (_, algorithm) = schemes.into_iter().find(|(scheme, _)| *scheme == signer.scheme())?;
        let issued = x509::issued(self.key.end_entity_cert().ok()?)?;
        let chain: Vec<&[u8]> = self.key.cert.iter().map(|one| one.as_ref()).collect();
        let to_sign = ToSign::new(content, algorithm, at);
        let signature = signer.sign(&to_sign.octets()).ok()?;
        Some(to_sign.signed(&issued, &chain, &signature))
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
