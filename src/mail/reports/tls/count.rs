//! Counting sessions by the way in which they went.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::mail::relay::{Applied, Outcome};
use crate::model::address::Domain;
use crate::store::db::tls_reports::Way;
use crate::wire::mta_sts::{self, Mode};
use crate::wire::tls_report::Policy;

/// How many ways are told apart between two flushes.
const MOST_WAYS: usize = 20_000;

/// Sessions by their way.
#[derive(Default)]
pub(super) struct Counts {
    ways: BTreeMap<Way, i64>,
    /// Sessions that found no room.
    lost: u64,
}

impl Counts {
    /// Counts a session, or a policy that could not be had.
    pub(super) fn add(&mut self, day: i64, domain: &Domain, outcome: &Outcome) {
        let Some(policy) = policy(domain, outcome) else { return };
        let Ok(policy) = serde_json::to_string(&policy) else { return };
        let failed = outcome.failure.is_some();
        let address = |ip: Option<IpAddr>| ip.filter(|_| failed).map(|ip| ip.to_string()).unwrap_or_default();
        let way = Way {
            day,
            domain: domain.to_string(),
            policy,
            failure: outcome.failure.map(|failure| failure.as_str().to_owned()).unwrap_or_default(),
            host: outcome.host.clone().filter(|_| failed).unwrap_or_default(),
            receiving_ip: address(outcome.to),
            sending_ip: address(outcome.from),
        };
        if self.ways.len() >= MOST_WAYS && !self.ways.contains_key(&way) {
            if self.lost == 0 {
                tracing::warn!(
                    ways = MOST_WAYS,
                    "too many ways of TLS sessions to be told apart: some are not reported"
                );
            }
            self.lost = self.lost.saturating_add(1);
            return;
        }
        let count = self.ways.entry(way).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ways.is_empty()
    }

    pub(super) fn ways(&self) -> impl Iterator<Item = (&Way, i64)> {
        self.ways.iter().map(|(way, count)| (way, *count))
    }
}

/// Tells a way from others of its domain and day.
pub(super) fn digest(way: &Way) -> String {
    let mut hash = Sha256::new();
    for part in [&way.policy, &way.failure, &way.host, &way.receiving_ip, &way.sending_ip] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The policy that held, as it is reported (RFC 8460 §4.4); none if it was the operator's own.
fn policy(domain: &Domain, outcome: &Outcome) -> Option<Policy> {
    let found = |kind: &str, whose: &str| Policy {
        policy_type: kind.to_owned(),
        policy_string: Vec::new(),
        policy_domain: whose.to_owned(),
        mx_host: Vec::new(),
    };
    match &outcome.applied {
        Applied::Operator => None,
        Applied::Nobody => Some(found("no-policy-found", domain.as_str())),
        Applied::Dane(None) => Some(found("tlsa", outcome.host.as_deref().unwrap_or(domain.as_str()))),
        Applied::Dane(Some(dane)) => Some(Policy {
            policy_string: dane.records.iter().map(ToString::to_string).collect(),
            ..found("tlsa", &dane.base)
        }),
        Applied::MtaSts(policy) => Some(Policy {
            policy_string: lines(policy),
            mx_host: policy.mx.clone(),
            ..found("sts", domain.as_str())
        }),
    }
}

fn lines(policy: &mta_sts::Policy) -> Vec<String> {
    let mode = match policy.mode {
        Mode::Enforce => "enforce",
        Mode::Testing => "testing",
        Mode::None => "none",
    };
    let mut lines = vec!["version: STSv1".to_owned(), format!("mode: {mode}")];
    lines.extend(policy.mx.iter().map(|host| format!("mx: {host}")));
    lines.push(format!("max_age: {}", policy.max_age.as_secs()));
    lines
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::mail::relay::Failure;

    fn outcome(applied: Applied, failure: Option<Failure>) -> Outcome {
        Outcome {
            applied,
            host: Some("mx.a.test".into()),
            to: "192.0.2.1".parse().ok(),
            from: "192.0.2.9".parse().ok(),
            failure,
            detail: String::new(),
        }
    }

    #[test]
    fn sessions_are_counted_by_policy_and_failure() {
        let domain: Domain = "a.test".parse().unwrap();
        let sts = Arc::new(mta_sts::Policy {
            mode: Mode::Testing,
            max_age: Duration::from_secs(86_400),
            mx: vec!["*.a.test".into()],
        });
        let mut counts = Counts::default();
        for _ in 0..3 {
            counts.add(1, &domain, &outcome(Applied::MtaSts(sts.clone()), None));
        }
        counts.add(1, &domain, &outcome(Applied::MtaSts(sts), Some(Failure::CertificateExpired)));
        counts.add(1, &domain, &outcome(Applied::Nobody, Some(Failure::StarttlsNotSupported)));
        counts.add(1, &domain, &outcome(Applied::Operator, None));
        let shown: Vec<String> = counts
            .ways()
            .map(|(way, count)| {
                let kind: Policy = serde_json::from_str(&way.policy).unwrap();
                format!(
                    "{} {} '{}' {} {} {count}",
                    kind.policy_type,
                    kind.policy_string.join("|"),
                    way.failure,
                    way.host,
                    way.receiving_ip
                )
            })
            .collect();
        let lines = "version: STSv1|mode: testing|mx: *.a.test|max_age: 86400";
        assert_eq!(
            shown,
            [
                "no-policy-found  'starttls-not-supported' mx.a.test 192.0.2.1 1".to_owned(),
                format!("sts {lines} ''   3"),
                format!("sts {lines} 'certificate-expired' mx.a.test 192.0.2.1 1"),
            ]
        );
        let digests: std::collections::BTreeSet<String> = counts.ways().map(|(way, _)| digest(way)).collect();
        assert_eq!(digests.len(), 3);
    }
}
