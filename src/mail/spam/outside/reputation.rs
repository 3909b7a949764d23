//! Reputation: what came from an address, its network and a proved domain before.
//!
//! Each message that the other rules are sure of counts, as spam or as other mail; what is doubtful does not, nor what reputation itself has
//! added, so that it does not feed on itself. Counts fade by half in so many days. They are in the database, where all nodes add to them,
//! many messages at a time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use moka::sync::Cache;

use super::weight;
use crate::config;
use crate::mail::spam::facts::organisation;
use crate::mail::spam::rules::{Rule, unasked};
use crate::model::clock::Clock;
use crate::model::network::Network;
use crate::model::site::Site;
use crate::model::verdict::{Authentication, Outcome, Symbol};
use crate::store::Error;
use crate::store::db::reputation::Counts;
use crate::store::db::{Database, reputation};

pub(super) const RULES: &[Rule] = &[IP_SPAM, IP_HAM, DOMAIN_SPAM, DOMAIN_HAM];
const IP_SPAM: Rule = unasked(
    "IP_REPUTATION_SPAM",
    4.0,
    "Much spam came from the client or its network; the more, the weightier.",
);
const IP_HAM: Rule = unasked(
    "IP_REPUTATION_HAM",
    -1.0,
    "Much good mail came from the client or its network; the more, the weightier.",
);
const DOMAIN_SPAM: Rule = unasked(
    "DOMAIN_REPUTATION_SPAM",
    3.0,
    "Much spam came from the domain, which is proved; the more, the weightier.",
);
pub(super) const DOMAIN_HAM: Rule = unasked(
    "DOMAIN_REPUTATION_HAM",
    -1.5,
    "Much good mail came from the domain, which is proved; the more, the weightier.",
);

const DAY_MS: f64 = 86_400_000.0;
/// A message, as it is kept.
const ONE: i64 = 1_000;
/// With so many messages one is half sure.
const HALF_SURE: f64 = 10.0;
/// How far it must lean to one side before it counts.
const LEANING: f64 = 0.3;
/// How long counts are kept in memory, in milliseconds.
const KEPT_MS: i64 = 30_000;
/// How many are kept in memory.
const MOST_KEPT: u64 = 50_000;
/// The most that wait to be written down; with more, what is new does not count.
const MOST_WAITING: usize = 20_000;
/// So many are written down in one transaction.
const PORTION: usize = 1_000;

/// Of whom something is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Subjects {
    address: Option<String>,
    network: Option<String>,
    domain: Option<String>,
}

impl Subjects {
    /// Those of a message.
    pub(super) fn of(peer: Option<IpAddr>, authentication: Option<&Authentication>) -> Self {
        let domain = authentication.and_then(proved).map(|it| organisation(it).to_ascii_lowercase());
        Self {
            address: peer.map(|ip| format!("address {}", Site::of(ip))),
            network: peer.map(|ip| format!("network {}", Network::around_either(ip, (24, 48)))),
            domain: domain.filter(|it| it.len() < 200).map(|it| format!("domain {it}")),
        }
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        [&self.address, &self.network, &self.domain].into_iter().flatten()
    }
}

/// The domain that vouches for a message: the author's, or else that of the sender or of a good signature.
fn proved(found: &Authentication) -> Option<&str> {
    let author = (found.dmarc.outcome == Outcome::Pass).then_some(found.dmarc.domain.as_str());
    let sender = || (found.spf.outcome == Outcome::Pass).then_some(found.spf.domain.as_str());
    let signer = || {
        found
            .dkim
            .iter()
            .find(|it| it.outcome == Outcome::Pass)
            .map(|it| it.domain.as_str())
    };
    let domain = author.or_else(sender).or_else(signer)?;
    (!domain.is_empty()).then_some(domain)
}

/// What is remembered.
pub(super) struct Reputation {
    database: Database,
    settings: config::Reputation,
    clock: Clock,
    /// Counts, and when they were read.
    kept: Cache<String, (Counts, i64)>,
    /// What came since it was last written down: of spam, of other mail.
    waiting: Mutex<HashMap<String, (i64, i64)>>,
}

impl Reputation {
    pub(super) fn open(database: Database, settings: config::Reputation, clock: Clock) -> Self {
        Self {
            database,
            settings,
            clock,
            kept: Cache::new(MOST_KEPT),
            waiting: Mutex::default(),
        }
    }

    /// What their reputation says of a message.
    pub(super) async fn symbols(&self, subjects: &Subjects, weights: &std::collections::BTreeMap<String, f64>) -> Vec<Symbol> {
        if !self.settings.enabled {
            return Vec::new();
        }
        let found = match self.find(subjects).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "the reputation of a client cannot be asked");
                return Vec::new();
            }
        };
        let leaning = |subject: &Option<String>| self.leaning(found.get(subject.as_ref()?)?);
        // The network stands in for an address of which too little is known, and counts half.
        let ip = leaning(&subjects.address).or_else(|| leaning(&subjects.network).map(|it| it / 2.0));
        let domain = leaning(&subjects.domain);
        let sides = [
            (ip, &IP_SPAM, &IP_HAM, &subjects.address),
            (domain, &DOMAIN_SPAM, &DOMAIN_HAM, &subjects.domain),
        ];
        let symbol = |(leaning, spam, ham, subject): (Option<f64>, &Rule, &Rule, &Option<String>)| {
            let leaning = leaning.filter(|it| it.abs() >= LEANING)?;
            let rule = if leaning > 0.0 { spam } else { ham };
            let weight = (weight(rule, weights) * leaning.abs() * 100.0).round() / 100.0;
            (weight != 0.0).then(|| Symbol {
                name: rule.name.to_owned(),
                weight,
                detail: subject.clone().unwrap_or_default(),
            })
        };
        sides.into_iter().filter_map(symbol).collect()
    }

    /// From -1, nothing but good mail, to 1, nothing but spam; nearer to 0 the fewer messages came. None: too few to tell.
    fn leaning(&self, counts: &Counts) -> Option<f64> {
        let faded = self.faded(*counts, self.clock.now_ms());
        let (spam, ham) = (faded.spam as f64 / ONE as f64, faded.ham as f64 / ONE as f64);
        let all = spam + ham;
        // What fades a little falls below the least at once otherwise.
        (all >= f64::from(self.settings.min_messages) * 0.9).then(|| (spam - ham) / all * all / (all + HALF_SURE))
    }

    /// The counts as they are now.
    fn faded(&self, counts: Counts, now: i64) -> Counts {
        let age = now.saturating_sub(counts.updated_ms).max(0) as f64 / DAY_MS;
        let factor = 0.5_f64.powf(age / self.settings.half_life_days.max(1) as f64);
        let fade = |count: i64| (count as f64 * factor).round() as i64;
        Counts {
            spam: fade(counts.spam),
            ham: fade(counts.ham),
            updated_ms: now,
        }
    }

    async fn find(&self, subjects: &Subjects) -> Result<HashMap<String, Counts>, Error> {
        let now = self.clock.now_ms();
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        for subject in subjects.all() {
            match self.kept.get(subject) {
                Some((counts, read)) if now.saturating_sub(read) < KEPT_MS => {
                    found.insert(subject.clone(), counts);
                }
                _ => missing.push(subject.clone()),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let mut tx = self.database.read().await?;
        let mut read: HashMap<String, Counts> = reputation::find(&mut tx, &missing, false).await?.into_iter().collect();
        for subject in missing {
            let counts = read.remove(&subject).unwrap_or_default();
            self.kept.insert(subject.clone(), (counts, now));
            found.insert(subject, counts);
        }
        Ok(found)
    }

    /// A message of theirs was spam, or was not.
    pub(super) fn learn(&self, subjects: &Subjects, is_spam: bool) {
        if !self.settings.enabled {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in subjects.all() {
            if waiting.len() >= MOST_WAITING && !waiting.contains_key(subject) {
                continue;
            }
            let (spam, ham) = waiting.entry(subject.clone()).or_default();
            let count = if is_spam { spam } else { ham };
            *count = count.saturating_add(ONE);
        }
    }

    /// Writes down what waits.
    pub(super) async fn write(&self) -> Result<(), Error> {
        loop {
            let portion = self.portion();
            if portion.is_empty() {
                return Ok(());
            }
            let now = self.clock.now_ms();
            let subjects: Vec<String> = portion.iter().map(|(subject, _)| subject.clone()).collect();
            let mut tx = self.database.write().await?;
            let known: HashMap<String, Counts> = reputation::find(&mut tx, &subjects, true).await?.into_iter().collect();
            let add = |(subject, (spam, ham)): (String, (i64, i64))| {
                let mut counts = self.faded(known.get(&subject).copied().unwrap_or_default(), now);
                counts.spam = counts.spam.saturating_add(spam);
                counts.ham = counts.ham.saturating_add(ham);
                (subject, counts)
            };
            let all: Vec<(String, Counts)> = portion.into_iter().map(add).collect();
            reputation::put(&mut tx, &all).await?;
            tx.commit().await?;
            for (subject, counts) in all {
                self.kept.insert(subject, (counts, now));
            }
        }
    }

    /// Some of what waits, in the order of the subjects, so that two nodes do not wait for each other.
    fn portion(&self) -> Vec<(String, (i64, i64))> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut subjects: Vec<String> = waiting.keys().take(PORTION).cloned().collect();
        subjects.sort_unstable();
        let take = |subject: String| waiting.remove(&subject).map(|counts| (subject, counts));
        subjects.into_iter().filter_map(take).collect()
    }

    /// Forgets those whose counts have faded, and the oldest where there are too many.
    pub(super) async fn forget(&self) -> Result<u64, Error> {
        let fades_ms = self.settings.half_life_days.saturating_mul(10).saturating_mul(86_400_000);
        let before = self.clock.now_ms().saturating_sub(i64::try_from(fades_ms).unwrap_or(i64::MAX));
        let mut tx = self.database.write().await?;
        let forgotten = reputation::forget(&mut tx, before).await?;
        let more = reputation::count(&mut tx).await?.saturating_sub(self.settings.max_entries);
        if more > 0 {
            reputation::forget_oldest(&mut tx, more.min(MOST_AT_ONCE)).await?;
        }
        tx.commit().await?;
        Ok(forgotten)
    }
}

/// The most that are forgotten at a time because there are too many.
const MOST_AT_ONCE: i64 = 100_000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::model::verdict::{Dmarc, Spf};

    fn subjects(peer: &str, domain: &str) -> Subjects {
        let found = Authentication {
            dmarc: Dmarc {
                outcome: Outcome::Pass,
                domain: domain.into(),
                ..Dmarc::default()
            },
            ..Authentication::default()
        };
        Subjects::of(peer.parse().ok(), Some(&found))
    }

    #[test]
    fn a_domain_must_be_proved() {
        let subjects = subjects("2001:db8::1", "mail.Remote.test");
        let all: Vec<&String> = subjects.all().collect();
        assert_eq!(all, ["address 2001:db8::/64", "network 2001:db8::/48", "domain remote.test"]);
        let of = |spf: Outcome| {
            let found = Authentication {
                spf: Spf {
                    outcome: spf,
                    domain: "sender.test".into(),
                    ..Spf::default()
                },
                ..Authentication::default()
            };
            Subjects::of(None, Some(&found)).domain
        };
        assert_eq!(of(Outcome::Pass).as_deref(), Some("domain sender.test"));
        assert_eq!((of(Outcome::SoftFail), Subjects::of(None, None)), (None, Subjects::default()));
    }

    #[tokio::test]
    async fn reputation_is_learned_on_all_nodes_and_fades() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&config::Database::default(), folder.path()).await.unwrap();
        let time = Arc::new(AtomicI64::new(1_700_000_000_000));
        let node = || Reputation::open(database.clone(), config::Reputation::default(), Clock::Manual(Arc::clone(&time)));
        let (one, two) = (node(), node());
        let told = async |node: &Reputation, subjects: &Subjects| {
            let symbols = node.symbols(subjects, &BTreeMap::new()).await;
            let told = symbols.iter().map(|it| format!("{}={}", it.name, it.weight));
            told.collect::<Vec<_>>().join(" ")
        };
        let bad = subjects("192.0.2.1", "bad.test");
        let good = subjects("198.51.100.1", "good.test");
        for _ in 0..20 {
            one.learn(&bad, true);
            two.learn(&good, false);
            two.learn(&bad, true);
        }
        assert_eq!(told(&one, &bad).await, "");
        time.fetch_add(KEPT_MS, Ordering::SeqCst);
        one.write().await.unwrap();
        two.write().await.unwrap();
        time.fetch_add(KEPT_MS, Ordering::SeqCst);
        assert_eq!(told(&one, &bad).await, "IP_REPUTATION_SPAM=3.2 DOMAIN_REPUTATION_SPAM=2.4");
        assert_eq!(told(&one, &good).await, "IP_REPUTATION_HAM=-0.67 DOMAIN_REPUTATION_HAM=-1");
        // A neighbour of whom nothing is known.
        assert_eq!(told(&one, &subjects("192.0.2.7", "new.test")).await, "IP_REPUTATION_SPAM=1.6");
        // Who is both is neither.
        for _ in 0..40 {
            one.learn(&bad, false);
        }
        one.write().await.unwrap();
        assert_eq!(told(&one, &bad).await, "");
        // 20 messages are 5 after two half lives: too few.
        time.fetch_add(28 * 86_400_000, Ordering::SeqCst);
        assert_eq!(told(&one, &good).await, "");
        time.fetch_add(140 * 86_400_000, Ordering::SeqCst);
        assert_eq!(one.forget().await.unwrap(), 6);
    }
}
