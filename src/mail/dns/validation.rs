//! The resolver that validates, and whether it can be relied on.
//!
//! Answers can only be validated where the name servers asked hand the signatures through, which many do not. With `dns.dnssec = "auto"`
//! this is tried out with the root (or the names of `dns.trust_anchor`) before the first answer is needed. Once it has worked it is
//! never given up while the server runs, since somebody in between could bring that about.
//!
//! RFC 4033 §5 (trust anchors), RFC 4035 §4.3 (states of an answer), RFC 6698 §4 (what DANE needs).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::dnssec::TrustAnchors;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::proto::serialize::txt::trust_anchor::{Entry, Parser};
use tokio::sync::Mutex;

use super::{BadServers, NoAnswer, Proof, ask};
use crate::config;

/// How long to wait before name servers that do not hand DNSSEC through are tried again.
const PAUSE: Duration = Duration::from_mins(10);
/// The same where they did not answer at all, which says nothing.
const SHORT_PAUSE: Duration = Duration::from_secs(10);

/// Whom to trust.
pub(super) struct Anchors {
    pub(super) keys: Arc<TrustAnchors>,
    /// Whose keys they are.
    names: Vec<Name>,
}

impl Anchors {
    /// Reads those of `dns.trust_anchor`; where none is named, those of the root.
    pub(super) fn read(settings: &config::Dns) -> Result<Self, BadServers> {
        let Some(file) = &settings.trust_anchor else {
            return Ok(Self {
                keys: Arc::new(TrustAnchors::default()),
                names: vec![Name::root()],
            });
        };
        let wrong = |problem: &dyn std::fmt::Display| BadServers(format!("dns.trust_anchor: {}: {problem}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
        let keys = text.parse().map_err(|error| wrong(&error))?;
        let entries = Parser::new(text.as_str()).parse().map_err(|error| wrong(&error))?;
        let names: Vec<Name> = entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::DNSKEY(record) => Some(record.name().clone()),
                _ => None,
            })
            .collect();
        if names.is_empty() {
            return Err(wrong(&"there is no DNSKEY record in it"));
        }
        Ok(Self {
            keys: Arc::new(keys),
            names,
        })
    }
}

/// A resolver that validates.
pub(super) struct Validation {
    resolver: TokioResolver,
    names: Vec<Name>,
    /// It was seen to work, or is not to be doubted.
    works: AtomicBool,
    /// When to try it out again.
    next_try: Mutex<Option<Instant>>,
    /// The operator was told that it does not work.
    told: AtomicBool,
}

/// What came of trying it out.
enum Trial {
    Works,
    Fails,
    NoAnswer,
}

impl Validation {
    /// With `insist` an answer that cannot be validated is none, from the begin.
    pub(super) fn new(resolver: TokioResolver, anchors: Anchors, insist: bool) -> Self {
        Self {
            resolver,
            names: anchors.names,
            works: AtomicBool::new(insist),
            next_try: Mutex::new(None),
            told: AtomicBool::new(false),
        }
    }

    /// The resolver, if the name servers hand through what it needs.
    pub(super) async fn resolver(&self) -> Option<&TokioResolver> {
        if self.works.load(Ordering::Acquire) {
            return Some(&self.resolver);
        }
        // The lock is held while others are asked on purpose: who goes on without waiting sends mail without DANE.
        let mut next_try = self.next_try.lock().await;
        if self.works.load(Ordering::Acquire) {
            return Some(&self.resolver);
        }
        if next_try.is_some_and(|next_try| Instant::now() < next_try) {
            return None;
        }
        let pause = match self.try_out().await {
            Trial::Works => {
                tracing::info!("DNSSEC: the name servers hand the signatures through, answers are validated");
                self.works.store(true, Ordering::Release);
                return Some(&self.resolver);
            }
            Trial::Fails => {
                if !self.told.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "DNSSEC: the name servers do not hand the signatures of the root through, so answers are not validated and there is \
                         no DANE; name servers that do can be named in dns.servers, and dns.dnssec = \"off\" ends this message"
                    );
                }
                PAUSE
            }
            Trial::NoAnswer => SHORT_PAUSE,
        };
        *next_try = Some(Instant::now() + pause);
        None
    }

    async fn try_out(&self) -> Trial {
        let mut trial = Trial::NoAnswer;
        for name in &self.names {
            // The keys themselves would prove nothing: they are known already.
            match ask(&self.resolver, name.clone(), RecordType::SOA).await {
                Ok(found) if found.proof == Proof::Secure => return Trial::Works,
                Err(none @ NoAnswer::Temporary { .. }) => tracing::debug!(%name, %none, "DNSSEC cannot be tried out"),
                Ok(_) | Err(_) => trial = Trial::Fails,
            }
        }
        trial
    }
}
