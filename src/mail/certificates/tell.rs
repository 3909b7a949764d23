//! What happens to certificates, as events: files that were renewed or cannot be used, and whatever ends soon.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Certificates;
use crate::config;
use crate::mail::events::{EventFilter, Events};
use crate::model::certificate::{Certificate, Source};
use crate::model::clock::Clock;
use crate::model::event::EventKind;
use crate::model::refusal::Refusal;

const DAY_SECONDS: i64 = 86_400;
/// How long a node waits at most, by chance, before it tells what others may have told in the same moment.
const MOST_HESITATION_MS: u64 = 3_000;
/// How many earlier events are read at a time.
const AT_ONCE: i64 = 500;

/// Tells of certificates. `app` runs one a node; what ends soon is told once by all nodes together, files are each node's own.
pub struct Teller {
    certificates: Certificates,
    events: Events,
    every: Duration,
    /// The days before an end at which it is told of, the fewest first; 0 for the end itself.
    days: Vec<u32>,
    clock: Clock,
}

/// Files by the names that they are for: the certificate, and why a newer one is of no use.
type Files = HashMap<Vec<String>, (String, Option<String>)>;

/// What was told so far.
#[derive(Debug, Default)]
struct Told {
    /// By fingerprint: the fewest days before its end at which it was told.
    days: HashMap<String, u32>,
    /// None: nothing was looked at yet.
    files: Option<Files>,
}

impl Teller {
    /// A teller by the settings of `[tls]`.
    pub fn new(certificates: Certificates, events: Events, settings: &config::Tls, clock: Clock) -> Self {
        let mut days = settings.expiry_event_days.clone();
        if !days.is_empty() {
            days.push(0);
        }
        days.sort_unstable();
        Self {
            certificates,
            events,
            every: Duration::from_secs(settings.watch_seconds),
            days,
            clock,
        }
    }

    /// Looks every `tls.watch_seconds`, until it is stopped.
    pub async fn run(self, stop: CancellationToken) {
        let mut told = Told::default();
        let looking = async {
            loop {
                let all = self.certificates.list();
                self.tell_of_files(&mut told, &all);
                if let Err(error) = self.tell_of_ends(&mut told, &all).await {
                    tracing::warn!(%error, "what certificates end soon is told later");
                }
                tokio::time::sleep(self.every).await;
            }
        };
        stop.run_until_cancelled(looking).await;
    }

    /// What became of files since the last look.
    fn tell_of_files(&self, told: &mut Told, all: &[Certificate]) {
        let files = all.iter().filter(|one| one.source == Source::File);
        let now: HashMap<_, _> = files
            .clone()
            .map(|one| (one.names.clone(), (one.fingerprint.clone(), one.problem.clone())))
            .collect();
        if let Some(before) = &told.files {
            for one in files {
                let (old, old_problem) = before.get(&one.names).cloned().unwrap_or_default();
                if old != one.fingerprint {
                    self.events.tell(EventKind::CertificateRenewed, None, described(one, None));
                }
                if one.problem.is_some() && one.problem != old_problem {
                    self.events.tell(EventKind::CertificateFailed, None, described(one, None));
                }
            }
        }
        told.files = Some(now);
    }

    async fn tell_of_ends(&self, told: &mut Told, all: &[Certificate]) -> Result<(), Refusal> {
        told.days
            .retain(|fingerprint, _| all.iter().any(|one| one.fingerprint == *fingerprint));
        let now = self.clock.now();
        let due = |one: &Certificate| Some((stage(one, now, &self.days)?, one.clone()));
        let is_news = |(days, one): &(u32, Certificate)| told.days.get(&one.fingerprint).is_none_or(|last| days < last);
        let due: Vec<(u32, Certificate)> = all.iter().filter_map(due).filter(is_news).collect();
        if due.is_empty() || !self.events.are_kept() {
            return Ok(());
        }
        // Another node, or this one before it was started again, may have told it.
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..MOST_HESITATION_MS))).await;
        for (fingerprint, days) in self.told_before().await? {
            let known = told.days.entry(fingerprint).or_insert(days);
            *known = days.min(*known);
        }
        for (days, one) in due {
            if told.days.get(&one.fingerprint).is_none_or(|last| days < *last) {
                self.events.tell(EventKind::CertificateExpiring, None, described(&one, Some(days)));
            }
            told.days.insert(one.fingerprint, days);
        }
        Ok(())
    }

    /// The ends that events have told of: fingerprint and days.
    async fn told_before(&self) -> Result<Vec<(String, u32)>, Refusal> {
        let filter = EventFilter {
            kinds: vec![EventKind::CertificateExpiring],
            domains: None,
            since: None,
        };
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let events = self.events.read(&filter, after, None, AT_ONCE).await?;
            let Some(last) = events.last() else { return Ok(found) };
            after = last.number;
            found.extend(events.iter().filter_map(|event| {
                let data = &event.what.data;
                let days = u32::try_from(data.get("days")?.as_u64()?).ok()?;
                Some((data.get("fingerprint")?.as_str()?.to_owned(), days))
            }));
        }
    }
}

/// The fewest of these days that a certificate has left, if it has no more than the most of them.
fn stage(one: &Certificate, now: Timestamp, days: &[u32]) -> Option<u32> {
    let left = one.not_after.duration_since(now).as_secs();
    let lifetime = one.not_after.duration_since(one.not_before).as_secs();
    let seconds = |days: u32| i64::from(days).saturating_mul(DAY_SECONDS);
    days.iter()
        .copied()
        .find(|days| left <= seconds(*days) && seconds(*days) <= lifetime / 3)
}

fn described(one: &Certificate, days: Option<u32>) -> Value {
    let mut data = json!({
        "names": one.names, "source": one.source.as_str(), "not_after": one.not_after.to_string(), "fingerprint": one.fingerprint,
    });
    if let Some(fields) = data.as_object_mut() {
        fields.extend(one.problem.iter().map(|problem| ("problem".to_owned(), json!(problem))));
        fields.extend(days.map(|days| ("days".to_owned(), json!(days))));
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_at_the_days_that_are_set() {
        let mut one = Certificate {
            names: vec!["mail.house.test".into()],
            issuer: String::new(),
            not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2026-04-01T00:00:00Z".parse().unwrap(),
            fingerprint: String::new(),
            source: Source::File,
            is_default: true,
            problem: None,
        };
        let at = |one: &Certificate, now: &str| stage(one, now.parse().unwrap(), &[0, 1, 3, 7, 14]);
        for (now, days) in [
            ("2026-03-17T00:00:00Z", None),
            ("2026-03-18T00:00:00Z", Some(14)),
            ("2026-03-25T00:00:01Z", Some(7)),
            ("2026-03-31T12:00:00Z", Some(1)),
            ("2026-04-02T00:00:00Z", Some(0)),
        ] {
            assert_eq!(at(&one, now), days, "{now}");
        }
        // One for six days is renewed two days before its end.
        one.not_before = "2026-03-26T00:00:00Z".parse().unwrap();
        assert_eq!(at(&one, "2026-03-29T12:00:00Z"), None);
        assert_eq!(at(&one, "2026-03-31T12:00:00Z"), Some(1));
    }
}
