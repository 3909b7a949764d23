//! Signatures and seals: which keys they need, and whether they are good.
//!
//! The cryptography is mail-auth's. It gets the keys that were looked up before, so that what costs computing time runs in one piece, off
//! the network threads.
//!
//! Deviations: a signature of a part of the body (`l=`) is neutral, since anybody may add the rest (RFC 6376 §8.2); one with SHA-1 is a
//! permanent error (RFC 8301 §3.1).
//!
//! RFC 6376 §6.1 (verifying), RFC 8463 (Ed25519), RFC 8617 §5.2 (validating a chain).

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::FutureExt;
use futures_util::future::join_all;
use hickory_resolver::proto::op::ResponseCode;
use mail_auth::common::crypto::Algorithm;
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::{DomainKey, VerifySignature};
use mail_auth::dkim::DkimError;
use mail_auth::{
    ArcOutput, AuthenticatedMessage, DkimOutput, DkimResult, DnsError, Error, MessageAuthenticator, Parameters, ResolverCache, Txt,
};

use super::Names;
use crate::mail::dns::NoAnswer;
use crate::model::verdict::{Arc as Chain, Dkim, Outcome};
use crate::wire::message::authentication::arc_results;
use crate::wire::message::tags::Tags;

/// RFC 8617 §4.2.1: the most seals of a message.
const MOST_SEALS: usize = 50;
/// The most fields that a signature covers: each is looked for among all fields of the header.
const MOST_FIELDS: usize = 200;
/// RFC 6008 §4: so many characters of a signature tell it from the others.
const MOST_SIGNATURE: usize = 8;

/// What is verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub dkim: bool,
    pub arc: bool,
    /// The most signatures.
    pub most: usize,
}

/// The keys by their names, as far as they were found.
#[derive(Clone, Default)]
pub(super) struct Keys(Arc<HashMap<Box<str>, Txt>>);

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub dkim: Vec<Dkim>,
    pub arc: Chain,
}

impl Wanted {
    /// The names of the keys that a message with this header needs.
    pub(super) fn keys(self, header: &[u8]) -> Vec<String> {
        let Some(message) = AuthenticatedMessage::parse(header) else {
            return Vec::new();
        };
        let mut names = Vec::new();
        if self.dkim {
            let signatures = message.dkim_headers.iter().take(self.most);
            names.extend(signatures.map(|field| field.header.domain_key()));
        }
        if self.arc && message.as_headers.len() <= MOST_SEALS {
            names.extend(message.as_headers.iter().map(|field| field.header.domain_key()));
            names.extend(message.ams_headers.last().map(|field| field.header.domain_key()));
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether there is anything to verify in a message with this header.
    pub(super) fn concerns(self, header: &[u8]) -> bool {
        AuthenticatedMessage::parse(header).is_some_and(|message| {
            let signed = !message.dkim_headers.is_empty() || message.has_dkim_errors;
            let sealed = message.as_headers.len() + message.ams_headers.len() + message.aar_headers.len() > 0 || message.has_arc_errors;
            (self.dkim && signed) || (self.arc && sealed)
        })
    }
}

impl Keys {
    /// Looks the keys up, all at the same time.
    pub(super) async fn ask(names: &impl Names, wanted: Vec<String>) -> Self {
        let asked = wanted.into_iter().map(|name| async move {
            let answer = match names.txt(&name).await {
                Ok(texts) => key(&texts),
                Err(NoAnswer::NoSuchName(_)) => none(),
                Err(problem) => Txt::Error(Error::Dns(DnsError::Resolver(problem.to_string()))),
            };
            (name.into_boxed_str(), answer)
        });
        Self(Arc::new(join_all(asked).await.into_iter().collect()))
    }
}

fn none() -> Txt {
    Txt::Error(Error::Dns(DnsError::RecordNotFound(ResponseCode::NXDomain)))
}

/// The first of the records that is a key; or else why the last one is none.
fn key(texts: &[Vec<u8>]) -> Txt {
    let mut answer = none();
    for text in texts {
        answer = match DomainKey::parse(text) {
            Ok(key) => return Txt::DomainKey(Arc::new(key)),
            Err(problem) => Txt::Error(problem),
        };
    }
    answer
}

/// What is not among the keys is not there: nobody is asked while a message is verified.
impl ResolverCache<Box<str>, Txt> for Keys {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Some(self.0.get(name).cloned().unwrap_or_else(none))
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}

/// Verifies a whole message. Takes computing time.
pub(super) fn verify(authenticator: &MessageAuthenticator, octets: &[u8], keys: &Keys, wanted: Wanted) -> Found {
    let Some(mut message) = AuthenticatedMessage::parse(octets) else {
        return Found::default();
    };
    message.dkim_headers.truncate(wanted.most);
    message.errors.truncate(wanted.most);
    let mut found = Found::default();
    let given = message.dkim_headers.len();
    message
        .dkim_headers
        .retain(|field| field.header.h.len() <= MOST_FIELDS && is_signature(field.value));
    if wanted.dkim {
        let verified = authenticator.verify_dkim(Parameters::new(&message).with_txt_cache(keys));
        let verified = verified.now_or_never().unwrap_or_default();
        found.dkim = verified.iter().map(signature).collect();
        found.dkim.extend((message.dkim_headers.len()..given).map(|_| broken()));
    }
    let is_bounded = message.ams_headers.iter().all(|field| field.header.h.len() <= MOST_FIELDS);
    if wanted.arc && !is_bounded {
        found.arc = Chain {
            outcome: Outcome::Fail,
            reason: Some("a signature of the chain covers too many fields".to_owned()),
            ..Chain::default()
        };
    } else if wanted.arc {
        let verified = authenticator.verify_arc(Parameters::new(&message).with_txt_cache(keys));
        if let Some(output) = verified.now_or_never() {
            found.arc = chain(&output, &message);
        }
    }
    found
}

/// Whether a signature has what it must have, each once (RFC 6376 §3.5).
fn is_signature(value: &[u8]) -> bool {
    let tags = Tags::parse(value);
    tags.is_some_and(|tags| tags.have(&["v", "a", "b", "bh", "d", "h", "s"]))
}

fn broken() -> Dkim {
    Dkim {
        outcome: Outcome::Neutral,
        reason: Some("the signature is by no grammar".to_owned()),
        ..Dkim::default()
    }
}

/// What is wrong with the fields of a chain, beyond what mail-auth looks for (RFC 8617 §4.1).
fn fault(message: &AuthenticatedMessage<'_>) -> Option<&'static str> {
    let is_good = |value: &[u8], needed: &[&str]| {
        Tags::parse(value).is_some_and(|tags| {
            let mut covered = tags.find("h").unwrap_or_default().split(':');
            let covers_seals = covered.any(|name| name.trim().eq_ignore_ascii_case("ARC-Seal"));
            tags.have(needed) && tags.find("a") != Some("rsa-sha1") && !covers_seals
        })
    };
    if !message
        .as_headers
        .iter()
        .all(|field| is_good(field.value, &["a", "b", "cv", "d", "i", "s"]))
    {
        return Some("a seal is by no grammar");
    }
    let mut signatures = message.ams_headers.iter();
    let are_good = signatures.all(|field| is_good(field.value, &["a", "b", "bh", "d", "h", "i", "s"]));
    (!are_good).then_some("a signature of the chain is by no grammar")
}

fn signature(output: &DkimOutput<'_>) -> Dkim {
    let (mut outcome, mut reason) = outcome(output.result());
    let Some(signature) = output.signature() else {
        return Dkim {
            outcome,
            reason,
            ..Dkim::default()
        };
    };
    if signature.a == Algorithm::RsaSha1 {
        (outcome, reason) = (Outcome::PermError, Some("rsa-sha1 proves nothing any more".to_owned()));
    }
    let text = BASE64_STANDARD.encode(&signature.b);
    Dkim {
        outcome,
        domain: signature.d.clone(),
        selector: signature.s.clone(),
        identity: signature.i.clone(),
        algorithm: algorithm(signature.a).to_owned(),
        signature: text.chars().take(MOST_SIGNATURE).collect(),
        reason,
    }
}

fn algorithm(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RsaSha1 => "rsa-sha1",
        Algorithm::RsaSha256 => "rsa-sha256",
        Algorithm::Ed25519Sha256 => "ed25519-sha256",
    }
}

/// RFC 8601 §2.7.1.
fn outcome(result: &DkimResult) -> (Outcome, Option<String>) {
    let (outcome, error) = match result {
        DkimResult::Pass => return (Outcome::Pass, None),
        DkimResult::None => return (Outcome::None, None),
        // The signature itself was understood.
        DkimResult::Neutral(error @ Error::Dkim(DkimError::FailedBodyHashMatch | DkimError::SignatureExpired)) => (Outcome::Fail, error),
        DkimResult::Neutral(error) => (Outcome::Neutral, error),
        DkimResult::Fail(error) => (Outcome::Fail, error),
        DkimResult::PermError(error) => (Outcome::PermError, error),
        DkimResult::TempError(error) => (Outcome::TempError, error),
    };
    (outcome, Some(error.to_string()))
}

/// RFC 8617 §4.4: a chain is good, or it is not.
fn chain(output: &ArcOutput<'_>, message: &AuthenticatedMessage<'_>) -> Chain {
    let (outcome, reason) = match outcome(output.result()) {
        (Outcome::Neutral | Outcome::PermError, reason) => (Outcome::Fail, reason),
        other => other,
    };
    let (outcome, reason) = match (outcome, fault(message)) {
        (Outcome::Pass, Some(fault)) => (Outcome::Fail, Some(fault.to_owned())),
        _ => (outcome, reason),
    };
    let is_sealed = !message.as_headers.is_empty() || !message.ams_headers.is_empty() || !message.aar_headers.is_empty();
    if outcome == Outcome::None && is_sealed {
        return Chain {
            outcome: Outcome::Fail,
            reason: Some("the chain is not whole".to_owned()),
            ..Chain::default()
        };
    }
    let sealers = message.as_headers.iter().take(MOST_SEALS);
    Chain {
        outcome,
        sealers: sealers.map(|field| field.header.d.to_ascii_lowercase()).collect(),
        reason,
        vouches: false,
    }
}

/// Whether one of the last sealers, all of whom are trusted, says that DMARC had passed where it got the message. The chain is good.
pub(super) fn is_vouched_for(header: &[u8], sealers: &[String], is_trusted: impl Fn(&str) -> bool) -> bool {
    let Some(message) = AuthenticatedMessage::parse(header) else {
        return false;
    };
    let mut sets = message.aar_headers.iter().zip(sealers).rev();
    sets.by_ref().take_while(|(_, sealer)| is_trusted(sealer)).any(|(field, _)| {
        let results = arc_results(field.value);
        results.iter().any(|result| result.method == "dmarc" && result.result == "pass")
    })
}

#[cfg(test)]
mod tests;
