//! DANE: which certificate a mail server has is read from its domain's signed DNS.
//!
//! TLSA records count only where the MX records, the server's addresses and they themselves are secure; that the first two are is seen to
//! by `target`, which names the base domains. Where there are such records, nothing goes out in clear and nothing to a server whose
//! certificate is none of theirs. PKIX usages are not for SMTP: records that cannot be used make encryption a must, and no more.
//!
//! RFC 6698 §2.1 (TLSA), RFC 7671 §4 (DANE-EE and DANE-TA), §9 (digest agility), RFC 7672 §2.2 (base domains), §3 (authentication).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256, Sha512};
use tokio_rustls::TlsConnector;

use super::{Relay, Target};
use crate::mail::dns::{NoAnswer, Proof, Tlsa};

/// RFC 6698 §2.1.1: the certificate usages that SMTP knows (RFC 7672 §3.1).
const DANE_TA: u8 = 2;
const DANE_EE: u8 = 3;
/// RFC 6698 §2.1.2: what is compared.
const WHOLE_CERTIFICATE: u8 = 0;
const PUBLIC_KEY: u8 = 1;
/// RFC 6698 §2.1.3: how.
const AS_IT_IS: u8 = 0;
const SHA_256: u8 = 1;
const SHA_512: u8 = 2;

/// The TLSA records of a mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dane {
    /// The name below which they stand, which is asked for in TLS as well.
    pub base: String,
    /// At least one.
    pub records: Vec<Tlsa>,
}

impl Relay {
    /// The secure TLSA records of a server; none if it has none (RFC 7672 §2.2.3: the first of the base domains that has some counts).
    pub(super) async fn dane(&self, target: &Target) -> Result<Option<Dane>, NoAnswer> {
        for base in target.tlsa_bases.iter() {
            let found = self.inner.dns.tlsa(&format!("_{}._tcp.{base}", target.address.port())).await?;
            if found.proof == Proof::Secure && !found.records.is_empty() {
                return Ok(Some(Dane {
                    base: base.clone(),
                    records: found.records,
                }));
            }
        }
        Ok(None)
    }
}

impl Dane {
    /// What lets in only a server whose certificate is one of these; none if not one record can be used. With DANE-TA the certificate
    /// must be for the base domain, or for one of `next_hops`, by which the server was found (RFC 7672 §3.2.2).
    pub(super) fn connector(&self, next_hops: &[String]) -> Result<Option<TlsConnector>, rustls::Error> {
        let records = usable(&self.records);
        if records.is_empty() {
            return Ok(None);
        }
        let names = std::iter::once(&self.base).chain(next_hops);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier {
            records,
            names: names.filter_map(|name| ServerName::try_from(name.clone()).ok()).collect(),
            algorithms: provider.signature_verification_algorithms,
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        // It is used once.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Some(TlsConnector::from(Arc::new(config))))
    }
}

/// Those that count. RFC 7671 §9: where there is a stronger digest, the weaker does not.
fn usable(records: &[Tlsa]) -> Vec<Tlsa> {
    let mut usable: Vec<Tlsa> = records.iter().filter(|record| is_usable(record)).cloned().collect();
    let kind = |record: &Tlsa| (record.usage, record.selector);
    let stronger: Vec<_> = usable.iter().filter(|it| it.matching == SHA_512).map(kind).collect();
    usable.retain(|it| it.matching != SHA_256 || !stronger.contains(&kind(it)));
    usable
}

/// RFC 7671 §4.1: what has a meaning that we know, and data of the right length for it.
fn is_usable(record: &Tlsa) -> bool {
    let selector = matches!(record.selector, WHOLE_CERTIFICATE | PUBLIC_KEY);
    let data = match record.matching {
        AS_IT_IS => !record.data.is_empty(),
        SHA_256 => record.data.len() == 32,
        SHA_512 => record.data.len() == 64,
        _ => false,
    };
    matches!(record.usage, DANE_TA | DANE_EE) && selector && data
}

/// No TLSA record matches the certificate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoMatch;

impl fmt::Display for NoMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no TLSA record matches the certificate")
    }
}

impl std::error::Error for NoMatch {}

/// Lets in a server with one of the certificates, which has the key to it.
#[derive(Debug)]
struct Verifier {
    records: Vec<Tlsa>,
    /// Those that a certificate may be for with DANE-TA.
    names: Vec<ServerName<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// Whether the certificate hangs on one that the record is about.
    fn anchored(
        &self,
        record: &Tlsa,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        // RFC 7672 §3.1.2: the anchor is sent along; a whole one in the record does without.
        if record.selector == WHOLE_CERTIFICATE && record.matching == AS_IT_IS {
            _ = roots.add(CertificateDer::from(record.data.as_slice()));
        }
        for other in others.iter().filter(|other| matches(record, other)) {
            _ = roots.add(other.clone().into_owned());
        }
        if roots.is_empty() {
            return Err(no_match());
        }
        let certificate = ParsedCertificate::try_from(certificate)?;
        verify_server_cert_signed_by_trust_anchor(&certificate, &roots, others, now, self.algorithms.all)?;
        let mut last = no_match();
        for name in &self.names {
            match verify_server_name(&certificate, name) {
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut why = no_match();
        for record in &self.records {
            // RFC 7671 §5.1: with DANE-EE neither the names nor the dates of the certificate count.
            let judged = if record.usage == DANE_EE {
                matches(record, certificate).then_some(()).ok_or_else(no_match)
            } else {
                self.anchored(record, certificate, others, now)
            };
            match judged {
                Ok(()) => return Ok(ServerCertVerified::assertion()),
                Err(error) if is_no_match(&error) => {}
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn no_match() -> rustls::Error {
    CertificateError::Other(OtherError(Arc::new(NoMatch))).into()
}

fn is_no_match(error: &rustls::Error) -> bool {
    matches!(error, rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(other))) if other.is::<NoMatch>())
}

/// RFC 6698 §2.1: whether a record is about a certificate.
fn matches(record: &Tlsa, certificate: &CertificateDer<'_>) -> bool {
    let selected: Cow<'_, [u8]> = if record.selector == WHOLE_CERTIFICATE {
        Cow::Borrowed(certificate.as_ref())
    } else {
        let Ok(parsed) = ParsedCertificate::try_from(certificate) else {
            return false;
        };
        Cow::Owned(parsed.subject_public_key_info().to_vec())
    };
    match record.matching {
        AS_IT_IS => *selected == *record.data,
        SHA_256 => Sha256::digest(&selected).as_slice() == record.data,
        SHA_512 => Sha512::digest(&selected).as_slice() == record.data,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
