//! The MTA-STS policies of domains: found by DNS, fetched over HTTPS, kept as long as they hold.
//!
//! A policy that was found once holds until its time is over, even if the domain cannot be asked any more; without one, mail goes as
//! if there were no MTA-STS. They are kept in the database, for all nodes and over a restart, and the latest in memory as well; when
//! half of its time is over, a policy is fetched anew.
//!
//! RFC 8461 §3.3 (fetching), §5.1 (caching), §10.2 (bounds on what is fetched).

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use reqwest::header::CONTENT_TYPE;

use super::security::{Failure, certificate_error};
use crate::mail::bounded;
use crate::mail::dns::Dns;
use crate::model::address::Domain;
use crate::model::clock::Clock;
use crate::store;
use crate::store::db::Database;
use crate::store::db::mta_sts::{self, StoredPolicy};
use crate::wire::mta_sts::{BadPolicy, Mode, Policy, record_id};

/// RFC 8461 §10.2 holds 64 KiB for enough.
const MOST_OCTETS: usize = 65_536;
/// RFC 8461 §3.3: how long to wait after a fetch that failed.
const PAUSE: Duration = Duration::from_mins(5);
/// How many domains are remembered.
const MOST_DOMAINS: u64 = 10_000;
/// How many policies the database keeps.
const MOST_STORED: i64 = 50_000;
/// How long it is believed that the database has no policy of a domain, though another node may have fetched one.
const ABSENT_BELIEVED: Duration = Duration::from_mins(5);

/// Finds policies.
pub(super) struct Sts {
    dns: Dns,
    client: reqwest::Client,
    /// Where policies are served: 443.
    port: u16,
    database: Database,
    clock: Clock,
    kept: Cache<Domain, Kept>,
    /// The domains of which the database had no policy a short while ago.
    absent: Cache<Domain, ()>,
    /// The ids whose policies could not be fetched a short while ago.
    failed: Cache<Domain, (String, Problem)>,
}

/// What was found for a domain.
pub(super) struct Found {
    /// The policy that holds; none if it has none, or withdrew it.
    pub(super) policy: Option<Arc<Policy>>,
    /// Why the one that is announced was not fetched.
    pub(super) problem: Option<Problem>,
}

/// Why a policy that is announced cannot be had.
#[derive(Clone)]
pub(super) struct Problem {
    pub(super) failure: Failure,
    pub(super) detail: String,
}

/// A policy, and how long it holds.
#[derive(Clone)]
struct Kept {
    id: String,
    policy: Arc<Policy>,
    /// Milliseconds since 1970.
    until: i64,
}

impl Kept {
    fn read(stored: &StoredPolicy) -> Result<Self, BadPolicy> {
        Ok(Self {
            id: stored.id.clone(),
            policy: Arc::new(Policy::parse(&stored.content)?),
            until: stored.until,
        })
    }

    fn holds(&self, now: i64) -> bool {
        self.until > now
    }

    /// RFC 8461 §10.2: it is renewed well before its end, or who keeps away the new one has only to wait for that.
    fn is_old(&self, now: i64) -> bool {
        self.until.saturating_sub(now) < milliseconds(self.policy.max_age) / 2
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Why a policy was not fetched.
#[derive(Debug, thiserror::Error)]
enum NotFetched {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("the status is {0}, not 200")]
    Status(reqwest::StatusCode),
    #[error("the content is not text/plain")]
    NotText,
    #[error("the content has more than {MOST_OCTETS} octets")]
    TooLong,
    #[error("the policy: {0}")]
    Bad(#[from] BadPolicy),
}

impl NotFetched {
    /// RFC 8460 §4.3.2.2: its name in a report.
    fn failure(&self) -> Failure {
        match self {
            Self::Http(error) if certificate_error(error).is_some() => Failure::StsWebpkiInvalid,
            Self::Http(_) | Self::Status(_) => Failure::StsPolicyFetchError,
            Self::NotText | Self::TooLong | Self::Bad(_) => Failure::StsPolicyInvalid,
        }
    }
}

impl Sts {
    /// Policies are kept in the database, with the clock's times; `client` knows whose certificates do for the hosts that serve them.
    pub(super) fn new(dns: Dns, (database, clock): (Database, Clock), client: reqwest::Client, port: u16) -> Self {
        Self {
            dns,
            client,
            port,
            database,
            clock,
            absent: Cache::builder().max_capacity(MOST_DOMAINS).time_to_live(ABSENT_BELIEVED).build(),
            kept: Cache::new(MOST_DOMAINS),
            failed: Cache::builder().max_capacity(MOST_DOMAINS).time_to_live(PAUSE).build(),
        }
    }

    /// The policy that holds for a domain.
    pub(super) async fn policy(&self, domain: &Domain) -> Found {
        let now = self.clock.now_ms();
        let kept = self.kept(domain, now).await;
        let mut problem = None;
        let policy = match (self.announced(domain).await, kept) {
            (Some(id), Some(kept)) if kept.id == id && !kept.is_old(now) => Some(kept.policy),
            (Some(id), kept) => match self.renew(domain, id, now).await {
                Ok(policy) => Some(policy),
                // RFC 8461 §3.3: what holds still does where there is nothing new to be had.
                Err(why) => {
                    problem = Some(why);
                    kept.map(|kept| kept.policy)
                }
            },
            (None, kept) => kept.map(|kept| kept.policy),
        };
        Found {
            policy: policy.filter(|policy| policy.mode != Mode::None),
            problem,
        }
    }

    /// The policy that was fetched before, here or by another node.
    async fn kept(&self, domain: &Domain, now: i64) -> Option<Kept> {
        if let Some(kept) = self.kept.get(domain).filter(|kept| kept.holds(now)) {
            return Some(kept);
        }
        if self.absent.contains_key(domain) {
            return None;
        }
        let stored = self.stored(domain, now).await;
        if stored.is_none() {
            self.absent.insert(domain.clone(), ());
        }
        stored
    }

    /// The policy in the database.
    async fn stored(&self, domain: &Domain, now: i64) -> Option<Kept> {
        let found = async { mta_sts::find(&mut self.database.read().await?, domain, now).await };
        let found: Result<Option<StoredPolicy>, store::Error> = found.await;
        match found.map(|stored| stored.as_ref().map(Kept::read)) {
            Ok(Some(Ok(kept))) => {
                self.kept.insert(domain.clone(), kept.clone());
                Some(kept)
            }
            Ok(None) => None,
            Ok(Some(Err(error))) => {
                tracing::error!(%domain, %error, "a stored MTA-STS policy is none");
                None
            }
            Err(error) => {
                tracing::error!(%domain, %error, "cannot read a stored MTA-STS policy");
                None
            }
        }
    }

    async fn store(&self, domain: &Domain, policy: &StoredPolicy, now: i64) -> Result<(), store::Error> {
        let mut tx = self.database.write().await?;
        mta_sts::put(&mut tx, domain, policy).await?;
        mta_sts::prune(&mut tx, now, MOST_STORED).await?;
        tx.commit().await
    }

    /// The id of the policy that the domain has now, as far as can be found out.
    async fn announced(&self, domain: &Domain) -> Option<String> {
        let records = self.dns.txt(&format!("_mta-sts.{domain}")).await.ok()?;
        record_id(records.iter().map(Vec::as_slice)).map(str::to_owned)
    }

    async fn renew(&self, domain: &Domain, id: String, now: i64) -> Result<Arc<Policy>, Problem> {
        if let Some((_, problem)) = self.failed.get(domain).filter(|(failed, _)| *failed == id) {
            return Err(problem);
        }
        // Another node may have been first.
        if let Some(stored) = self.stored(domain, now).await
            && stored.id == id
            && !stored.is_old(now)
        {
            return Ok(stored.policy);
        }
        match self.fetch(domain).await {
            Ok((policy, content)) => {
                let until = now.saturating_add(milliseconds(policy.max_age));
                let policy = Arc::new(policy);
                let kept = Kept {
                    id: id.clone(),
                    policy: policy.clone(),
                    until,
                };
                self.kept.insert(domain.clone(), kept);
                if let Err(error) = self.store(domain, &StoredPolicy { id, content, until }, now).await {
                    tracing::error!(%domain, %error, "cannot store an MTA-STS policy");
                }
                Ok(policy)
            }
            Err(error) => {
                tracing::warn!(%domain, %error, "cannot fetch the MTA-STS policy");
                let problem = Problem {
                    failure: error.failure(),
                    detail: error.to_string(),
                };
                self.failed.insert(domain.clone(), (id, problem.clone()));
                Err(problem)
            }
        }
    }

    async fn fetch(&self, domain: &Domain) -> Result<(Policy, Vec<u8>), NotFetched> {
        let url = format!("https://mta-sts.{domain}:{}/.well-known/mta-sts.txt", self.port);
        let mut response = self.client.get(url).send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(NotFetched::Status(response.status()));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("text/plain") {
            return Err(NotFetched::NotText);
        }
        let text = bounded::body(&mut response, MOST_OCTETS).await?.ok_or(NotFetched::TooLong)?;
        Ok((Policy::parse(&text)?, text))
    }
}
