//! Sealing a message that is sent on: what we found of it stays provable, whatever becomes of its signatures on the way.
//!
//! RFC 8617 §5.1 (sealing).

use std::sync::Arc;

use mail_auth::arc::{ArcSealer, Set};
use mail_auth::common::crypto::{DkimKey, RsaKey};
use mail_auth::common::headers::{Header, HeaderWriter};
use mail_auth::dkim::Done;
use mail_auth::{ArcOutput, AuthenticatedMessage, AuthenticationResults, DkimResult};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::model::dkim;

/// The most seals that a chain has (RFC 8617 §4.2.1).
const MOST: usize = 50;

/// The fields that a seal covers. Those of ARC itself and what others note of authentication are not among them (RFC 8617 §4.1.2).
const FIELDS: &[&str] = &[
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Id",
    "List-Unsubscribe",
    "DKIM-Signature",
];

/// The key that seals for a domain: an RSA one, since others know no other (RFC 8617 §4.1.3). Cheap to clone.
#[derive(Clone)]
pub(in crate::mail) struct Sealer(Arc<ArcSealer<DkimKey, Done>>);

impl Sealer {
    pub(super) fn new(key: &dkim::DkimKey, private: &[u8]) -> mail_auth::Result<Self> {
        let pair = RsaKey::from_key_der(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(private)))?;
        let sealer = ArcSealer::from_key(DkimKey::from(pair))
            .domain(key.domain.as_str())
            .selector(key.selector.as_str())
            .headers(FIELDS.iter().copied());
        Ok(Self(Arc::new(sealer)))
    }

    /// The three fields of a set for a message, `prefix` before its octets. `results` is what was found of it, on one line; the chain it came
    /// with is good, or there is none. None: the message cannot be sealed. Takes computing time.
    pub(in crate::mail) fn seal(&self, prefix: &[u8], octets: &[u8], results: &str) -> Option<Vec<u8>> {
        let message = AuthenticatedMessage::parse_with_opts(octets, Some(prefix), true)?;
        let chain = chain(&message)?;
        let results = AuthenticationResults::new(results);
        let set = self.0.seal(&message, &results, &chain);
        let set = set
            .inspect_err(|error| tracing::error!(%error, "a message could not be sealed"))
            .ok()?;
        let mut fields = Vec::new();
        set.write_header(&mut fields);
        Some(fields)
    }
}

/// The sets that the message has, which were found to be good; none if they are not whole, or too many.
fn chain<'m>(message: &'m AuthenticatedMessage<'m>) -> Option<ArcOutput<'m>> {
    let (seals, signatures, results) = (&message.as_headers, &message.ams_headers, &message.aar_headers);
    let is_whole = seals.len() == signatures.len() && seals.len() == results.len() && !message.has_arc_errors;
    if !is_whole || seals.len() >= MOST {
        return None;
    }
    let mut chain = ArcOutput::default();
    for ((seal, signature), results) in seals.iter().zip(signatures).zip(results) {
        chain = chain.with_set(Set {
            signature: Header::new(signature.name, signature.value, &signature.header),
            seal: Header::new(seal.name, seal.value, &seal.header),
            results: Header::new(results.name, results.value, &results.header),
        });
    }
    Some(chain.with_result(if seals.is_empty() { DkimResult::None } else { DkimResult::Pass }))
}
