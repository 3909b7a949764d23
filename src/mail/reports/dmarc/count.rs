//! Counting messages by the way in which they fared.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use mail_auth::report::{
    ActionDisposition, Alignment, AuthResult, DKIMAuthResult, Discovery, Disposition, DkimResult, DmarcResult, Identifier, PolicyEvaluated,
    PolicyOverride, PolicyOverrideReason, PolicyPublished, Record, Row, SPFAuthResult, SPFDomainScope, SpfResult,
};
use sha2::{Digest, Sha256};

use crate::model::verdict::{Authentication, Exception, Outcome, Policy};
use crate::store::db::dmarc_reports::Way;
use crate::wire::dmarc;

/// How many ways are told apart between two flushes.
const MOST_WAYS: usize = 20_000;
/// How many signatures of a message are told of.
const MOST_SIGNATURES: usize = 10;

/// The policy that was applied to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Whose record it is: the author's domain's, or that of its organisation.
    pub domain: String,
    /// The record.
    pub record: dmarc::Record,
}

/// Messages by their way. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tally {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    ways: BTreeMap<Way, i64>,
    /// A message has found no room.
    is_full: bool,
}

impl Tally {
    /// Counts a message.
    pub(in crate::mail) fn add(&self, day: i64, published: &Published, found: &Authentication) {
        let policy = serde_json::to_string(&policy(published));
        let record = serde_json::to_string(&record(found));
        let (Ok(policy), Ok(record)) = (policy, record) else { return };
        let way = Way {
            day,
            domain: published.domain.clone(),
            policy,
            record,
        };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.ways.len() >= MOST_WAYS && !counts.ways.contains_key(&way) {
            if !counts.is_full {
                tracing::warn!(
                    ways = MOST_WAYS,
                    "mail fares in too many ways to be told apart: some is not reported"
                );
            }
            counts.is_full = true;
            return;
        }
        let count = counts.ways.entry(way).or_default();
        *count = count.saturating_add(1);
    }

    /// What was counted since the last time.
    pub(super) fn take(&self) -> BTreeMap<Way, i64> {
        std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner)).ways
    }
}

/// Tells a way from others of its domain and day.
pub(super) fn digest(way: &Way) -> String {
    let mut hash = Sha256::new();
    for part in [&way.policy, &way.record] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect()
}

fn policy(published: &Published) -> PolicyPublished {
    let record = &published.record;
    let alignment = |is_strict| if is_strict { Alignment::Strict } else { Alignment::Relaxed };
    let disposition = |policy: Option<Policy>| match policy {
        Some(Policy::None) => Disposition::None,
        Some(Policy::Quarantine) => Disposition::Quarantine,
        Some(Policy::Reject) => Disposition::Reject,
        None => Disposition::Unspecified,
    };
    PolicyPublished {
        domain: published.domain.clone(),
        adkim: alignment(record.is_dkim_strict),
        aspf: alignment(record.is_spf_strict),
        p: disposition(record.policy.or(Some(Policy::None))),
        sp: disposition(record.subdomains),
        np: disposition(record.nonexistent),
        testing: record.is_test,
        discovery_method: Discovery::Treewalk,
        ..PolicyPublished::default()
    }
}

fn record(found: &Authentication) -> Record {
    let dmarc = &found.dmarc;
    let aligned = |is_aligned| if is_aligned { DmarcResult::Pass } else { DmarcResult::Fail };
    let reason = dmarc.exception.map(|exception| PolicyOverrideReason {
        type_: match exception {
            Exception::TrustedForwarder => PolicyOverride::TrustedForwarder,
            Exception::LocalPolicy => PolicyOverride::LocalPolicy,
        },
        comment: None,
    });
    let sender = found.spf.identity.rsplit_once('@').map_or("", |(_, domain)| domain);
    Record {
        row: Row {
            source_ip: found.peer,
            count: 0,
            policy_evaluated: PolicyEvaluated {
                disposition: match dmarc.disposition {
                    Policy::None => ActionDisposition::None,
                    Policy::Quarantine => ActionDisposition::Quarantine,
                    Policy::Reject => ActionDisposition::Reject,
                },
                dkim: aligned(dmarc.dkim_is_aligned),
                spf: aligned(dmarc.spf_is_aligned),
                reason: reason.into_iter().collect(),
            },
        },
        identifiers: Identifier {
            envelope_to: None,
            envelope_from: sender.to_owned(),
            header_from: dmarc.domain.clone(),
        },
        auth_results: AuthResult {
            dkim: found
                .dkim
                .iter()
                .filter(|it| !it.domain.is_empty())
                .take(MOST_SIGNATURES)
                .map(signature)
                .collect(),
            spf: vec![spf(found)],
        },
        extensions: Vec::new(),
    }
}

fn signature(found: &crate::model::verdict::Dkim) -> DKIMAuthResult {
    DKIMAuthResult {
        domain: found.domain.clone(),
        selector: found.selector.clone(),
        result: match found.outcome {
            Outcome::None => DkimResult::None,
            Outcome::Pass => DkimResult::Pass,
            Outcome::Fail | Outcome::SoftFail => DkimResult::Fail,
            Outcome::Neutral => DkimResult::Neutral,
            Outcome::TempError => DkimResult::TempError,
            Outcome::PermError => DkimResult::PermError,
        },
        human_result: None,
    }
}

fn spf(found: &Authentication) -> SPFAuthResult {
    let is_of_sender = found.spf.identity.contains('@');
    SPFAuthResult {
        domain: found.spf.domain.clone(),
        scope: if is_of_sender {
            SPFDomainScope::MailFrom
        } else {
            SPFDomainScope::Helo
        },
        result: match found.spf.outcome {
            Outcome::None => SpfResult::None,
            Outcome::Pass => SpfResult::Pass,
            Outcome::Fail => SpfResult::Fail,
            Outcome::SoftFail => SpfResult::SoftFail,
            Outcome::Neutral => SpfResult::Neutral,
            Outcome::TempError => SpfResult::TempError,
            Outcome::PermError => SpfResult::PermError,
        },
        human_result: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_by_what_was_found() {
        let published = Published {
            domain: "a.test".into(),
            record: dmarc::Record::parse(b"v=DMARC1; p=reject; adkim=s; rua=mailto:r@a.test").unwrap(),
        };
        let mut found = Authentication {
            peer: "192.0.2.1".parse().ok(),
            ..Authentication::default()
        };
        found.spf.identity = "x@b.test".into();
        found.dmarc.domain = "sub.a.test".into();
        let tally = Tally::default();
        tally.add(1, &published, &found);
        tally.add(1, &published, &found);
        found.dmarc.disposition = Policy::Reject;
        tally.add(1, &published, &found);
        let ways = tally.take();
        assert_eq!(ways.values().copied().collect::<Vec<_>>(), [2, 1]);
        let digests: std::collections::BTreeSet<String> = ways.keys().map(digest).collect();
        assert_eq!(digests.len(), 2);
        let first: Record = serde_json::from_str(&ways.keys().next().unwrap().record).unwrap();
        assert_eq!((first.envelope_from(), first.header_from()), ("b.test", "sub.a.test"));
        assert!(tally.take().is_empty());
    }
}
