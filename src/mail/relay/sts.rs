//! The MTA-STS policies of domains: found by DNS, fetched over HTTPS, kept as long as they hold.
//!
//! A policy that was found once holds until its time is over, even if the domain cannot be asked any more; without one, mail goes as
//! if there were no MTA-STS. Kept in memory: a server that starts anew has to find them anew.
//!
//! RFC 8461 §3.3 (fetching), §5.1 (caching), §10.2 (bounds on what is fetched).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::sync::Cache;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect;
use rustls::ClientConfig;

use super::security::{Failure, certificate_error};
use crate::mail::dns::Dns;
use crate::model::address::Domain;
use crate::wire::mta_sts::{BadPolicy, Mode, Policy, record_id};

/// RFC 8461 §3.3: how long fetching may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// RFC 8461 §10.2 holds 64 KiB for enough.
const MOST_OCTETS: usize = 65_536;
/// RFC 8461 §3.3: how long to wait after a fetch that failed.
const PAUSE: Duration = Duration::from_mins(5);
/// How many domains are remembered.
const MOST_DOMAINS: u64 = 10_000;

/// Finds policies.
pub(super) struct Sts {
    dns: Dns,
    client: reqwest::Client,
    /// Where policies are served: 443.
    port: u16,
    kept: Cache<Domain, Kept>,
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
    until: Instant,
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
    /// `tls` says whose certificates do for the hosts of policies.
    pub(super) fn new(dns: Dns, tls: ClientConfig, port: u16) -> Result<Self, reqwest::Error> {
        // RFC 8461 §3.3: no redirect is followed.
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .dns_resolver(OurDns(dns.clone()))
            .build()?;
        Ok(Self {
            dns,
            client,
            port,
            kept: Cache::new(MOST_DOMAINS),
            failed: Cache::builder().max_capacity(MOST_DOMAINS).time_to_live(PAUSE).build(),
        })
    }

    /// The policy that holds for a domain.
    pub(super) async fn policy(&self, domain: &Domain) -> Found {
        let kept = self.kept.get(domain).filter(|kept| kept.until > Instant::now());
        let mut problem = None;
        let policy = match (self.announced(domain).await, kept) {
            (Some(id), Some(kept)) if kept.id == id => Some(kept.policy),
            (Some(id), kept) => match self.renew(domain, id).await {
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

    /// The id of the policy that the domain has now, as far as can be found out.
    async fn announced(&self, domain: &Domain) -> Option<String> {
        let records = self.dns.txt(&format!("_mta-sts.{domain}")).await.ok()?;
        record_id(records.iter().map(Vec::as_slice)).map(str::to_owned)
    }

    async fn renew(&self, domain: &Domain, id: String) -> Result<Arc<Policy>, Problem> {
        if let Some((_, problem)) = self.failed.get(domain).filter(|(failed, _)| *failed == id) {
            return Err(problem);
        }
        match self.fetch(domain).await {
            Ok(policy) => {
                let policy = Arc::new(policy);
                let kept = Kept {
                    id,
                    policy: policy.clone(),
                    until: Instant::now() + policy.max_age,
                };
                self.kept.insert(domain.clone(), kept);
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

    async fn fetch(&self, domain: &Domain) -> Result<Policy, NotFetched> {
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
        let mut text = Vec::new();
        while let Some(portion) = response.chunk().await? {
            if text.len() + portion.len() > MOST_OCTETS {
                return Err(NotFetched::TooLong);
            }
            text.extend_from_slice(&portion);
        }
        Ok(Policy::parse(&text)?)
    }
}

/// The resolver of the house, for the HTTP client.
struct OurDns(Dns);

impl Resolve for OurDns {
    fn resolve(&self, name: Name) -> Resolving {
        let dns = self.0.clone();
        Box::pin(async move {
            let found = dns.addresses(name.as_str()).await?;
            // The port is that of the address that is asked for.
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}
