//! Names to addresses: the one resolver of the house, with typed answers and a bounded cache that honours TTLs.
//!
//! `relay` asks it; later the checks of incoming mail do. An answer "there is none" is told apart from "I could not find out",
//! because the first returns a message to its sender and the second only lets it wait.
//!
//! RFC 1035 §3.3.9 (MX), RFC 2308 §2 (NXDOMAIN and no data), RFC 5321 §5.1 (locating the target host).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use crate::config;
use crate::model::address::Domain;

/// The longest that an answer is kept, whatever its TTL.
const LONGEST_KEPT: Duration = Duration::from_hours(24);
/// The longest that "there is none" is kept.
const LONGEST_NONE_KEPT: Duration = Duration::from_mins(5);

/// The resolver. Cheap to clone.
#[derive(Clone)]
pub struct Dns {
    resolver: TokioResolver,
}

/// One MX record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mx {
    /// Lower is preferred.
    pub preference: u16,
    /// The host, without final dot; empty for the root, which is a null MX (RFC 7505 §3).
    pub exchange: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The name does not exist (NXDOMAIN).
    #[error("the name {0} does not exist")]
    NoSuchName(String),
    /// It could not be found out now: timeout, SERVFAIL, no server reached.
    #[error("looking up {name} failed: {problem}")]
    Temporary {
        /// What was looked up.
        name: String,
        /// What the resolver said.
        problem: String,
    },
}

/// The configured resolvers cannot be used: a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadServers(String);

impl Dns {
    /// Opens the resolver with `dns.servers`, or those of the system if the list is empty.
    pub fn open(settings: &config::Dns) -> Result<Self, BadServers> {
        let mut builder = if settings.servers.is_empty() {
            system()?
        } else {
            TokioResolver::builder_with_config(configured(&settings.servers)?, TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        options.timeout = Duration::from_secs(settings.timeout_seconds.max(1));
        options.cache_size = settings.cache_entries;
        options.positive_max_ttl = Some(LONGEST_KEPT);
        options.negative_max_ttl = Some(LONGEST_NONE_KEPT);
        if !settings.servers.is_empty() {
            options.use_hosts_file = ResolveHosts::Never;
        }
        let resolver = builder.build().map_err(|error| BadServers(format!("dns.servers: {error}")))?;
        Ok(Self { resolver })
    }

    /// The MX records of a domain, in no order; none if it exists without any.
    pub async fn mx(&self, domain: &Domain) -> Result<Vec<Mx>, NoAnswer> {
        self.lookup(domain.as_str(), RecordType::MX, |data| match data {
            RData::MX(mx) => Some(Mx {
                preference: mx.preference,
                exchange: mx.exchange.to_ascii().trim_end_matches('.').to_owned(),
            }),
            _ => None,
        })
        .await
    }

    /// The TXT records of a name, the pieces of each joined; none if it exists without any.
    pub async fn txt(&self, name: &str) -> Result<Vec<Vec<u8>>, NoAnswer> {
        self.lookup(name, RecordType::TXT, |data| match data {
            RData::TXT(txt) => Some(txt.txt_data.concat()),
            _ => None,
        })
        .await
    }

    /// The addresses of a host, IPv4 before IPv6; none if it exists without any.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        let (v4, v6) = tokio::join!(
            self.lookup(host, RecordType::A, RData::ip_addr),
            self.lookup(host, RecordType::AAAA, RData::ip_addr),
        );
        match (v4, v6) {
            (Ok(mut v4), Ok(v6)) => {
                v4.extend(v6);
                Ok(v4)
            }
            // One family is enough to go on with; but "none" is only sure when both were answered.
            (Ok(found), Err(problem)) | (Err(problem), Ok(found)) => match problem {
                NoAnswer::Temporary { .. } if found.is_empty() => Err(problem),
                _ => Ok(found),
            },
            (Err(NoAnswer::NoSuchName(_)), Err(problem)) | (Err(problem), Err(_)) => Err(problem),
        }
    }

    async fn lookup<T>(&self, name: &str, kind: RecordType, pick: impl Fn(&RData) -> Option<T>) -> Result<Vec<T>, NoAnswer> {
        // With the final dot the system's search list is left out: a mail domain is always a full name.
        let absolute = format!("{}.", name.trim_end_matches('.'));
        let Ok(query) = Name::from_ascii(&absolute) else {
            return Err(NoAnswer::NoSuchName(name.to_owned()));
        };
        match self.resolver.lookup(query, kind).await {
            Ok(found) => Ok(found.answers().iter().filter_map(|record| pick(&record.data)).collect()),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
                ResponseCode::NXDomain => Err(NoAnswer::NoSuchName(name.to_owned())),
                _ => Ok(Vec::new()),
            },
            Err(problem) => Err(NoAnswer::Temporary {
                name: name.to_owned(),
                problem: problem.to_string(),
            }),
        }
    }
}

type Builder = hickory_resolver::ResolverBuilder<TokioRuntimeProvider>;

/// The system's resolvers; where it names none, the one on this machine, as the C library does.
fn system() -> Result<Builder, BadServers> {
    match TokioResolver::builder_tokio() {
        Ok(builder) => Ok(builder),
        Err(error) => {
            tracing::warn!(%error, "the system names no resolver; asking 127.0.0.1:53");
            let config = configured(&["127.0.0.1:53".to_owned()])?;
            Ok(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
        }
    }
}

fn configured(servers: &[String]) -> Result<ResolverConfig, BadServers> {
    let servers = servers.iter().map(|server| {
        let address: SocketAddr = server
            .parse()
            .or_else(|_| server.parse().map(|ip: IpAddr| SocketAddr::new(ip, 53)))
            .map_err(|_| {
                BadServers(format!(
                    "dns.servers: '{server}' is no 'address:port'; right would be '127.0.0.1:53'"
                ))
            })?;
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = address.port();
            connection
        });
        Ok(NameServerConfig::new(address.ip(), true, connections.into()))
    });
    Ok(ResolverConfig::from_name_servers(servers.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests;
