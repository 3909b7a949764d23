//! Signing a message with the keys of a domain.

use std::sync::Arc;

use mail_auth::common::crypto::{self, Ed25519Key, RsaKey};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{DkimSigner, Done};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::Sealer;
use crate::model::dkim::{Algorithm, DkimKey};
use crate::store;
use crate::store::maildir::Content;

/// The fields that are signed, all of each that the message has, and one more than it has: so nobody can add another
/// (RFC 6376 §5.4.1 on which, RFC 6376 §5.4.2 and §8.15 on one more). From, To, Cc, Subject, Date and what says how the body is
/// read are signed even where they are missing; trace fields and those that lists rewrite are not signed.
const FIELDS: &[&str] = &[
    "From",
    "From",
    "Sender",
    "Reply-To",
    "To",
    "To",
    "Cc",
    "Cc",
    "Subject",
    "Subject",
    "Date",
    "Date",
    "Message-ID",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "MIME-Version",
    "Content-Type",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Transfer-Encoding",
];

/// The keys that sign for a domain. Cheap to clone.
#[derive(Clone)]
pub(in crate::mail) struct Signer {
    seals: Arc<[DkimSigner<crypto::DkimKey, Done>]>,
    names: Arc<[String]>,
    sealer: Option<Sealer>,
}

impl Signer {
    /// Reads the keys. One that cannot be read is told of in the log and left out.
    pub(super) fn new(keys: Vec<(DkimKey, Vec<u8>)>) -> Self {
        let rsa = keys.iter().find(|(key, _)| key.algorithm == Algorithm::Rsa);
        let sealer = rsa.and_then(|(key, private)| Sealer::new(key, private).ok());
        let seals = keys.into_iter().filter_map(|(key, private)| match seal(&key, &private) {
            Ok(seal) => Some((seal, format!("{}._domainkey.{}", key.selector, key.domain))),
            Err(error) => {
                tracing::error!(domain = %key.domain, selector = %key.selector, %error, "a DKIM key cannot be used");
                None
            }
        });
        let (seals, names): (Vec<_>, Vec<_>) = seals.unzip();
        Self {
            seals: seals.into(),
            names: names.into(),
            sealer,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seals.is_empty()
    }

    /// The names under which its keys are published (RFC 6376 §3.6.2.1).
    pub(in crate::mail) fn names(&self) -> &[String] {
        &self.names
    }

    /// What seals for the domain; none without an RSA key.
    pub(in crate::mail) fn sealer(&self) -> Option<&Sealer> {
        self.sealer.as_ref()
    }

    /// The DKIM-Signature fields of a message, which is read once from begin to end. Blocks.
    pub(in crate::mail) fn sign(&self, message: &Content<'_>) -> Result<Vec<u8>, store::Error> {
        let mut streams: Vec<_> = self.seals.iter().map(DkimSigner::sign_streaming).collect();
        message.read(|octets| streams.iter_mut().for_each(|stream| stream.write(octets)))?;
        let mut fields = Vec::new();
        for stream in streams {
            let signature = stream
                .finish()
                .map_err(|error| store::Error::Unusable(format!("signing a message failed: {error}")))?;
            signature.write_header(&mut fields);
        }
        Ok(fields)
    }
}

fn seal(key: &DkimKey, private: &[u8]) -> mail_auth::Result<DkimSigner<crypto::DkimKey, Done>> {
    let pair = match key.algorithm {
        Algorithm::Rsa => RsaKey::from_key_der(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(private)))?.into(),
        Algorithm::Ed25519 => Ed25519Key::from_pkcs8_der(private)?.into(),
    };
    let seal: DkimSigner<crypto::DkimKey, _> = DkimSigner::from_key(pair);
    // Relaxed on both sides, the default: relays rewrap lines and take away blanks (RFC 6376 §3.4).
    Ok(seal
        .domain(key.domain.as_str())
        .selector(key.selector.as_str())
        .headers(FIELDS.iter().copied()))
}
