//! Names to addresses: the one resolver of the house, with typed answers and a bounded cache that honours TTLs.
//!
//! `relay` asks it, and the checks of incoming mail do. An answer "there is none" is told apart from "I could not find out",
//! because the first returns a message to its sender and the second only lets it wait. What delivery asks for comes with its proof by
//! DNSSEC; what does not pass is no answer.
//!
//! RFC 1035 §3.3.9 (MX), RFC 2308 §2 (NXDOMAIN and no data), RFC 4035 §4.3 (proofs), RFC 5321 §5.1 (locating the target host),
//! RFC 6698 §2 (TLSA).

mod validation;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::TLSA;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use mail_auth::MessageAuthenticator;

use self::validation::{Anchors, Validation};
use crate::config::{self, Dnssec};
use crate::model::address::Domain;

/// The longest that an answer is kept, whatever its TTL.
const LONGEST_KEPT: Duration = Duration::from_hours(24);
/// The longest that "there is none" is kept.
const LONGEST_NONE_KEPT: Duration = Duration::from_mins(5);
/// How long "there is none" is kept where it was validated, since its TTL is not told then.
const VALIDATED_NONE_KEPT: Duration = Duration::from_mins(1);

/// How many aliases are followed, one after the other.
const MOST_ALIASES: usize = 8;

/// The resolver. Cheap to clone.
#[derive(Clone)]
pub struct Dns {
    plain: TokioResolver,
    /// Absent where `dns.dnssec` is off.
    validation: Option<Arc<Validation>>,
}

/// What DNSSEC says of an answer. What it says to be bogus is none: [`NoAnswer::Bogus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// It was not validated.
    Indeterminate,
    /// It is proved that its zone is not signed.
    Insecure,
    /// It is signed, up to a key that is trusted.
    Secure,
}

/// The records that were found, if any, and how they are proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// In no order.
    pub records: Vec<T>,
    /// The weakest of the records and the aliases on the way to them.
    pub proof: Proof,
    /// The name that was asked for is an alias.
    pub alias: Option<Alias>,
}

/// A name that is another one (CNAME).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name that has the records, behind all aliases.
    pub of: String,
    /// That of the first alias alone.
    pub proof: Proof,
}

/// One TLSA record: which certificate a server has (RFC 6698 §2.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tlsa {
    /// The certificate usage.
    pub usage: u8,
    /// What of the certificate is compared.
    pub selector: u8,
    /// How.
    pub matching: u8,
    /// With what.
    pub data: Vec<u8>,
}

impl fmt::Display for Tlsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.usage, self.selector, self.matching)?;
        self.data.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl From<&TLSA> for Tlsa {
    fn from(record: &TLSA) -> Self {
        Self {
            usage: record.cert_usage.into(),
            selector: record.selector.into(),
            matching: record.matching.into(),
            data: record.cert_data.clone(),
        }
    }
}

/// One MX record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mx {
    /// Lower is preferred.
    pub preference: u16,
    /// The host, without final dot; empty for the root, which is a null MX (RFC 7505 §3).
    pub exchange: String,
}

/// One SRV record (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    /// Lower is preferred.
    pub priority: u16,
    /// The share among those of one priority.
    pub weight: u16,
    /// The port of the service.
    pub port: u16,
    /// The host, without final dot.
    pub target: String,
}

impl fmt::Display for Srv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}.", self.priority, self.weight, self.port, self.target)
    }
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
    /// The answer does not pass DNSSEC: somebody forged it, or the zone is signed wrongly. It may be right later.
    #[error("the answer for {0} does not pass DNSSEC")]
    Bogus(String),
}

/// The configured resolvers, or keys, cannot be used: a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadServers(String);

impl Dns {
    /// Opens the resolver with `dns.servers`, or those of the system if the list is empty.
    pub fn open(settings: &config::Dns) -> Result<Self, BadServers> {
        let validation = match settings.dnssec {
            Dnssec::Off => None,
            mode @ (Dnssec::Auto | Dnssec::On) => {
                let anchors = Anchors::read(settings)?;
                let mut builder = builder(settings)?.with_trust_anchor(anchors.keys.clone());
                builder.options_mut().negative_min_ttl = Some(VALIDATED_NONE_KEPT);
                Some(Arc::new(Validation::new(built(builder)?, anchors, mode == Dnssec::On)))
            }
        };
        Ok(Self {
            plain: built(builder(settings)?)?,
            validation,
        })
    }

    /// The MX records of a domain; none if it exists without any.
    pub async fn mx(&self, domain: &Domain) -> Result<Answer<Mx>, NoAnswer> {
        self.validated(domain.as_str(), RecordType::MX, |data| match data {
            RData::MX(mx) => Some(Mx {
                preference: mx.preference,
                exchange: text(&mx.exchange),
            }),
            _ => None,
        })
        .await
    }

    /// The TLSA records of a name; none if there is none.
    pub async fn tlsa(&self, name: &str) -> Result<Answer<Tlsa>, NoAnswer> {
        let found = self.validated(name, RecordType::TLSA, |data| match data {
            RData::TLSA(record) => Some(Tlsa::from(record)),
            _ => None,
        });
        match found.await {
            Err(NoAnswer::NoSuchName(_)) => Ok(Found::none().answer(name, |_| None)),
            found => found,
        }
    }

    /// The addresses of a mail server, IPv4 before IPv6; none if it exists without any.
    pub async fn host(&self, host: &str) -> Result<Answer<IpAddr>, NoAnswer> {
        let (v4, v6) = tokio::join!(
            self.validated(host, RecordType::A, RData::ip_addr),
            self.validated(host, RecordType::AAAA, RData::ip_addr),
        );
        both(v4, v6)
    }

    /// The addresses of a host, not validated.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        let (v4, v6) = tokio::join!(
            lookup(&self.plain, host, RecordType::A, RData::ip_addr),
            lookup(&self.plain, host, RecordType::AAAA, RData::ip_addr),
        );
        both(v4, v6).map(|found| found.records)
    }

    /// The IPv4 addresses of a name, not validated; none if it exists without any.
    pub async fn ipv4(&self, name: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        let found = lookup(&self.plain, name, RecordType::A, RData::ip_addr);
        found.await.map(|found| found.records)
    }

    /// The IPv6 addresses of a name, not validated; none if it exists without any.
    pub async fn ipv6(&self, name: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        let found = lookup(&self.plain, name, RecordType::AAAA, RData::ip_addr);
        found.await.map(|found| found.records)
    }

    /// The names of an address (PTR), without final dot, not validated; none if there is no record of the kind.
    pub async fn names(&self, address: IpAddr) -> Result<Vec<String>, NoAnswer> {
        let name = Name::from(address).to_ascii();
        let found = lookup(&self.plain, &name, RecordType::PTR, |data| match data {
            RData::PTR(ptr) => Some(text(&ptr.0)),
            _ => None,
        });
        found.await.map(|found| found.records)
    }

    /// The names of the mail servers of a name, the preferred ones first, without final dot, not validated; none if it exists without
    /// any.
    pub async fn exchanges(&self, name: &str) -> Result<Vec<String>, NoAnswer> {
        let found = lookup(&self.plain, name, RecordType::MX, |data| match data {
            RData::MX(mx) => Some((mx.preference, text(&mx.exchange))),
            _ => None,
        });
        let mut found = found.await?.records;
        found.sort();
        Ok(found.into_iter().map(|(_, name)| name).collect())
    }

    /// The TXT records of a name, the pieces of each joined, not validated; none if it exists without any.
    pub async fn txt(&self, name: &str) -> Result<Vec<Vec<u8>>, NoAnswer> {
        let found = lookup(&self.plain, name, RecordType::TXT, |data| match data {
            RData::TXT(txt) => Some(txt.txt_data.concat()),
            _ => None,
        });
        found.await.map(|found| found.records)
    }

    /// What verifies signatures. It is given the keys and asks nobody.
    pub(in crate::mail) fn authenticator(&self) -> MessageAuthenticator {
        MessageAuthenticator(self.plain.clone())
    }

    /// The SRV records of a name, not validated; none if it exists without any.
    pub async fn srv(&self, name: &str) -> Result<Vec<Srv>, NoAnswer> {
        let found = lookup(&self.plain, name, RecordType::SRV, |data| match data {
            RData::SRV(srv) => Some(Srv {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                target: text(&srv.target),
            }),
            _ => None,
        });
        found.await.map(|found| found.records)
    }

    async fn validated<T>(&self, name: &str, kind: RecordType, pick: impl Fn(&RData) -> Option<T>) -> Result<Answer<T>, NoAnswer> {
        if let Some(validation) = &self.validation
            && let Some(resolver) = validation.resolver().await
        {
            return lookup(resolver, name, kind, pick).await;
        }
        lookup(&self.plain, name, kind, pick).await
    }
}

/// Both families as one answer. One is enough to go on with; but "none" is only sure when both were answered, and what is bogus in
/// one must not be got around by the other.
fn both(v4: Result<Answer<IpAddr>, NoAnswer>, v6: Result<Answer<IpAddr>, NoAnswer>) -> Result<Answer<IpAddr>, NoAnswer> {
    match (v4, v6) {
        (Ok(v4), Ok(v6)) if v4.records.is_empty() => Ok(v6),
        (Ok(mut v4), Ok(v6)) => {
            if !v6.records.is_empty() {
                v4.records.extend(v6.records);
                v4.proof = v4.proof.min(v6.proof);
            }
            Ok(v4)
        }
        (Err(bogus @ NoAnswer::Bogus(_)), _) | (_, Err(bogus @ NoAnswer::Bogus(_))) => Err(bogus),
        (Ok(found), Err(problem)) | (Err(problem), Ok(found)) => match problem {
            NoAnswer::Temporary { .. } if found.records.is_empty() => Err(problem),
            _ => Ok(found),
        },
        (Err(NoAnswer::NoSuchName(_)), Err(problem)) | (Err(problem), Err(_)) => Err(problem),
    }
}

async fn lookup<T>(
    resolver: &TokioResolver,
    name: &str,
    kind: RecordType,
    pick: impl Fn(&RData) -> Option<T>,
) -> Result<Answer<T>, NoAnswer> {
    // With the final dot the system's search list is left out: a mail domain is always a full name.
    let absolute = format!("{}.", name.trim_end_matches('.'));
    let Ok(query) = Name::from_ascii(&absolute) else {
        return Err(NoAnswer::NoSuchName(name.to_owned()));
    };
    Ok(ask(resolver, query, kind).await?.answer(name, pick))
}

/// The records of an answer, aliases included, signatures not.
struct Found {
    records: Vec<Record>,
    proof: Proof,
}

impl Found {
    fn none() -> Self {
        Self {
            records: Vec::new(),
            proof: Proof::Indeterminate,
        }
    }

    fn answer<T>(self, name: &str, pick: impl Fn(&RData) -> Option<T>) -> Answer<T> {
        let is_alias = |record: &&Record| record.record_type() == RecordType::CNAME;
        let first = self.records.iter().filter(is_alias).find(|record| text(&record.name) == name);
        let last = self.records.iter().rfind(|record| !is_alias(record));
        let alias = first.zip(last).map(|(first, last)| Alias {
            of: text(&last.name),
            proof: proof(first),
        });
        Answer {
            proof: self.proof,
            alias,
            records: self.records.iter().filter_map(|record| pick(&record.data)).collect(),
        }
    }
}

/// Asks, and follows aliases where the resolver does not: it takes the proof that an alias leads to nothing, which is about another name
/// than the one asked for, for a wrong one.
async fn ask(resolver: &TokioResolver, mut name: Name, kind: RecordType) -> Result<Found, NoAnswer> {
    let mut aliases = Vec::new();
    loop {
        match ask_for(resolver, name.clone(), kind).await {
            Err(NoAnswer::Bogus(asked)) if aliases.len() < MOST_ALIASES => {
                let found = ask_for(resolver, name, RecordType::CNAME).await?;
                let alias = found.records.into_iter().find_map(|record| match &record.data {
                    RData::CNAME(of) => Some((of.0.clone(), record)),
                    _ => None,
                });
                let Some((of, record)) = alias else {
                    return Err(NoAnswer::Bogus(asked));
                };
                aliases.push(record);
                name = of;
            }
            Ok(mut found) => {
                found.proof = aliases.iter().map(proof).fold(found.proof, Proof::min);
                found.records.splice(0..0, aliases);
                return Ok(found);
            }
            none => return none,
        }
    }
}

/// Asks, and reads what kind of an answer it is.
async fn ask_for(resolver: &TokioResolver, name: Name, kind: RecordType) -> Result<Found, NoAnswer> {
    let asked = text(&name);
    match resolver.lookup(name, kind).await {
        Ok(found) => {
            let records = found.answers().iter().filter(|record| record.record_type() != RecordType::RRSIG);
            let records: Vec<Record> = records.cloned().collect();
            let proof = records.iter().map(proof).min().unwrap_or(Proof::Indeterminate);
            Ok(Found { records, proof })
        }
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => no_records(none.response_code, asked),
        // The zone is not signed, or in a way that counts as such (RFC 9276 §3.2).
        Err(NetError::Dns(DnsError::Nsec { proof, response, .. })) if proof.is_insecure() => no_records(response.response_code, asked),
        Err(NetError::Dns(DnsError::Nsec { .. } | DnsError::DnssecBogus)) => Err(NoAnswer::Bogus(asked)),
        Err(problem) => Err(NoAnswer::Temporary {
            name: asked,
            problem: problem.to_string(),
        }),
    }
}

fn no_records(code: ResponseCode, name: String) -> Result<Found, NoAnswer> {
    match code {
        ResponseCode::NXDomain => Err(NoAnswer::NoSuchName(name)),
        _ => Ok(Found::none()),
    }
}

fn proof(record: &Record) -> Proof {
    match record.proof {
        dnssec::Proof::Secure => Proof::Secure,
        dnssec::Proof::Insecure => Proof::Insecure,
        // An answer with something bogus in it has been refused before.
        dnssec::Proof::Bogus | dnssec::Proof::Indeterminate => Proof::Indeterminate,
    }
}

/// A name as we write it: in lower case, without final dot; the root is empty.
fn text(name: &Name) -> String {
    name.to_lowercase().to_ascii().trim_end_matches('.').to_owned()
}

type Builder = hickory_resolver::ResolverBuilder<TokioRuntimeProvider>;

fn builder(settings: &config::Dns) -> Result<Builder, BadServers> {
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
    // Aliases are told with what they lead to.
    options.preserve_intermediates = true;
    if !settings.servers.is_empty() {
        options.use_hosts_file = ResolveHosts::Never;
    }
    Ok(builder)
}

fn built(builder: Builder) -> Result<TokioResolver, BadServers> {
    builder.build().map_err(|error| BadServers(format!("dns.servers: {error}")))
}

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
