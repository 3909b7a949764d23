//! SPF: whether a domain lets the client send for it.
//!
//! The record is asked for by `mail::dns`, through [`Names`], so that tests can answer themselves. Each check is bounded by the limits of
//! the standard; the time is the caller's.
//!
//! RFC 7208 §4 (`check_host`), §4.6.4 (limits), §5 (mechanisms), §6 (modifiers), RFC 8616 §4 (addresses that are not ASCII).

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use super::Names;
use crate::mail::dns::NoAnswer;
use crate::model::address::{Domain, is_at_or_below};
use crate::model::verdict::{Outcome, Spf};
use crate::wire::spf::{Directive, Facts, Hosts, Mechanism, Record, Text, is_record};

/// RFC 7208 §4.6.4: the most terms that ask for something.
const MOST_TERMS: usize = 10;
/// RFC 7208 §4.6.4: the most of those questions whose answer is that there is nothing.
const MOST_VOID: usize = 2;
/// RFC 7208 §4.6.4: the most mail servers of a name, and names of an address.
const MOST_NAMES: usize = 10;
/// The longest explanation that is told.
const MOST_EXPLANATION: usize = 500;

/// What is to be checked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The address of the client.
    pub peer: IpAddr,
    /// What it said in HELO.
    pub helo: &'q str,
    /// The part of the sender before the `@`; empty: `postmaster` stands for it (RFC 7208 §4.3).
    pub local: &'q str,
    /// The domain of the sender, or the name in HELO.
    pub domain: &'q str,
    /// The name of this server.
    pub receiver: &'q str,
    /// Seconds since 1970.
    pub now: i64,
}

/// Checks whether the domain lets the client send for it.
pub async fn check(names: &impl Names, question: &Question<'_>) -> Spf {
    let local = if question.local.is_empty() { "postmaster" } else { question.local };
    let mut check = Check {
        names,
        question: Question {
            local,
            peer: question.peer.to_canonical(),
            ..*question
        },
        terms: 0,
        voids: 0,
        peer_names: None,
    };
    let found = match is_full_name(question.domain) {
        true => check.host(question.domain.to_owned()).await,
        // RFC 7208 §4.3.
        false => Ok(Decision::plain(Outcome::None)),
    };
    let (outcome, explanation) = match found {
        Ok(decision) => (decision.outcome, decision.explanation),
        Err(trouble) => (trouble.outcome(), None),
    };
    let identity = match question.local {
        "" => question.domain.to_owned(),
        local => format!("{local}@{}", question.domain),
    };
    Spf {
        outcome,
        domain: question.domain.to_owned(),
        identity,
        explanation,
    }
}

/// A name of two labels at least, as they can be looked up.
fn is_full_name(name: &str) -> bool {
    name.contains('.') && Domain::parse(name).is_ok()
}

/// What a record says.
struct Decision {
    outcome: Outcome,
    explanation: Option<String>,
}

impl Decision {
    fn plain(outcome: Outcome) -> Self {
        Self {
            outcome,
            explanation: None,
        }
    }
}

/// What ends a check.
enum Trouble {
    /// A name server does not answer.
    Temporary,
    /// What the domain has published cannot be understood, or asks for too much.
    Permanent,
}

impl Trouble {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Temporary => Outcome::TempError,
            Self::Permanent => Outcome::PermError,
        }
    }
}

/// A check under way.
struct Check<'c, N> {
    names: &'c N,
    question: Question<'c>,
    terms: usize,
    voids: usize,
    /// The names of the client that lead back to it, once they are looked up.
    peer_names: Option<Vec<String>>,
}

impl<N: Names> Check<'_, N> {
    /// What the record of a domain says: a future of its own, since records lead to others.
    fn host(&mut self, domain: String) -> Pin<Box<dyn Future<Output = Result<Decision, Trouble>> + Send + '_>> {
        Box::pin(async move {
            let Some(record) = self.record(&domain).await? else {
                return Ok(Decision::plain(Outcome::None));
            };
            for directive in &record.directives {
                if self.matches(directive, &domain).await? {
                    let explanation = match (directive.outcome, &record.explanation) {
                        (Outcome::Fail, Some(name)) => self.explanation(name, &domain).await,
                        _ => None,
                    };
                    return Ok(Decision {
                        outcome: directive.outcome,
                        explanation,
                    });
                }
            }
            let Some(redirect) = &record.redirect else {
                return Ok(Decision::plain(Outcome::Neutral));
            };
            self.count_term()?;
            let other = self.name(redirect, &domain).await.ok_or(Trouble::Permanent)?;
            match self.host(other).await? {
                // RFC 7208 §6.1.
                Decision {
                    outcome: Outcome::None, ..
                } => Err(Trouble::Permanent),
                decision => Ok(decision),
            }
        })
    }

    /// The one record of a domain (RFC 7208 §4.4, §4.5).
    async fn record(&self, domain: &str) -> Result<Option<Record>, Trouble> {
        let texts = match self.names.txt(domain).await {
            Ok(texts) => texts,
            Err(NoAnswer::NoSuchName(_)) => return Ok(None),
            Err(NoAnswer::Temporary { .. } | NoAnswer::Bogus(_)) => return Err(Trouble::Temporary),
        };
        let mut records = texts.iter().filter(|text| is_record(text));
        match (records.next(), records.next()) {
            (None, _) => Ok(None),
            (Some(record), None) => Record::parse(record).map(Some).map_err(|_| Trouble::Permanent),
            (Some(_), Some(_)) => Err(Trouble::Permanent),
        }
    }

    async fn matches(&mut self, directive: &Directive, domain: &str) -> Result<bool, Trouble> {
        match &directive.mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip4(network, prefix) => Ok(is_within(self.question.peer, (*network).into(), *prefix)),
            Mechanism::Ip6(network, prefix) => Ok(is_within(self.question.peer, (*network).into(), *prefix)),
            Mechanism::Include(name) => self.includes(name, domain).await,
            Mechanism::A(hosts) => {
                self.count_term()?;
                let Some(name) = self.host_name(hosts.name.as_ref(), domain).await else {
                    return Ok(false);
                };
                self.is_near(&name, hosts).await
            }
            Mechanism::Mx(hosts) => {
                self.count_term()?;
                self.is_near_exchange(hosts, domain).await
            }
            Mechanism::Ptr(name) => {
                self.count_term()?;
                let Some(name) = self.host_name(name.as_ref(), domain).await else {
                    return Ok(false);
                };
                Ok(self.peer_names().await.iter().any(|known| is_at_or_below(known, &name)))
            }
            Mechanism::Exists(name) => {
                self.count_term()?;
                let Some(name) = self.name(name, domain).await else {
                    return Ok(false);
                };
                // RFC 7208 §5.7: IPv4, whatever the client's family.
                let found = self.names.ipv4(&name).await;
                self.found(found).map(|found| !found.is_empty())
            }
        }
    }

    /// RFC 7208 §5.2.
    async fn includes(&mut self, name: &Text, domain: &str) -> Result<bool, Trouble> {
        self.count_term()?;
        let other = self.name(name, domain).await.ok_or(Trouble::Permanent)?;
        match self.host(other).await?.outcome {
            Outcome::Pass => Ok(true),
            Outcome::Fail | Outcome::SoftFail | Outcome::Neutral => Ok(false),
            Outcome::None | Outcome::TempError | Outcome::PermError => Err(Trouble::Permanent),
        }
    }

    /// Whether the client is in the network of an address of the name.
    async fn is_near(&mut self, name: &str, hosts: &Hosts) -> Result<bool, Trouble> {
        let found = self.addresses(name).await;
        let found = self.found(found)?;
        let prefix = |address: &IpAddr| if address.is_ipv4() { hosts.prefix4 } else { hosts.prefix6 };
        let peer = self.question.peer;
        Ok(found.iter().any(|address| is_within(peer, *address, prefix(address))))
    }

    async fn is_near_exchange(&mut self, hosts: &Hosts, domain: &str) -> Result<bool, Trouble> {
        let Some(name) = self.host_name(hosts.name.as_ref(), domain).await else {
            return Ok(false);
        };
        let found = self.names.exchanges(&name).await;
        let exchanges = self.found(found)?;
        for (number, exchange) in exchanges.iter().enumerate() {
            // RFC 7208 §4.6.4: those before have been asked.
            if number >= MOST_NAMES {
                return Err(Trouble::Permanent);
            }
            if self.is_near(exchange, hosts).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The addresses of a name in the client's family.
    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        match self.question.peer {
            IpAddr::V4(_) => self.names.ipv4(name).await,
            IpAddr::V6(_) => self.names.ipv6(name).await,
        }
    }

    /// What was found. Nothing counts (RFC 7208 §4.6.4).
    fn found<T>(&mut self, answer: Result<Vec<T>, NoAnswer>) -> Result<Vec<T>, Trouble> {
        let found = match answer {
            Ok(found) => found,
            Err(NoAnswer::NoSuchName(_)) => Vec::new(),
            Err(NoAnswer::Temporary { .. } | NoAnswer::Bogus(_)) => return Err(Trouble::Temporary),
        };
        if found.is_empty() {
            self.voids += 1;
            if self.voids > MOST_VOID {
                return Err(Trouble::Permanent);
            }
        }
        Ok(found)
    }

    fn count_term(&mut self) -> Result<(), Trouble> {
        self.terms += 1;
        if self.terms > MOST_TERMS { Err(Trouble::Permanent) } else { Ok(()) }
    }

    /// The names of the client that lead back to it (RFC 7208 §5.5). Trouble on the way is no name.
    async fn peer_names(&mut self) -> &[String] {
        if self.peer_names.is_none() {
            let mut good = Vec::new();
            let claimed = self.names.names(self.question.peer).await.unwrap_or_default();
            for name in claimed.into_iter().take(MOST_NAMES) {
                if self.addresses(&name).await.is_ok_and(|found| found.contains(&self.question.peer)) {
                    good.push(name);
                }
            }
            self.peer_names = Some(good);
        }
        self.peer_names.as_deref().unwrap_or_default()
    }

    /// The name that stands for `%{p}` (RFC 7208 §7.3).
    async fn peer_name(&mut self, domain: &str) -> String {
        let names = self.peer_names().await;
        let same = names.iter().find(|name| name.eq_ignore_ascii_case(domain));
        let below = || names.iter().find(|name| is_at_or_below(name, domain));
        let name = same.or_else(below).or_else(|| names.first());
        name.map_or_else(|| "unknown".to_owned(), Clone::clone)
    }

    async fn host_name(&mut self, name: Option<&Text>, domain: &str) -> Option<String> {
        match name {
            Some(name) => self.name(name, domain).await,
            None => Some(domain.to_owned()),
        }
    }

    /// A name that a record makes; none if the part before the `@` is to be in it and is not ASCII (RFC 8616 §4).
    async fn name(&mut self, text: &Text, domain: &str) -> Option<String> {
        if text.needs_local() && !self.question.local.is_ascii() {
            return None;
        }
        let peer_name = self.peer_name_for(text, domain).await;
        Some(text.name(&self.facts(domain, &peer_name)))
    }

    async fn peer_name_for(&mut self, text: &Text, domain: &str) -> String {
        match text.needs_peer_name() {
            true => self.peer_name(domain).await,
            false => String::new(),
        }
    }

    fn facts<'f>(&'f self, domain: &'f str, peer_name: &'f str) -> Facts<'f> {
        let question = &self.question;
        Facts {
            local: question.local,
            sender_domain: question.domain,
            domain,
            peer: question.peer,
            peer_name,
            helo: question.helo,
            receiver: question.receiver,
            now: question.now,
        }
    }

    /// What the domain has to say; nothing if that is not to be had, or by no grammar (RFC 7208 §6.2).
    async fn explanation(&mut self, name: &Text, domain: &str) -> Option<String> {
        let name = self.name(name, domain).await?;
        let texts = self.names.txt(&name).await.ok()?;
        let [text] = texts.as_slice() else { return None };
        let text = Text::explanation(text)?;
        let peer_name = self.peer_name_for(&text, domain).await;
        let said: String = text.text(&self.facts(domain, &peer_name)).chars().take(MOST_EXPLANATION).collect();
        (!said.is_empty()).then_some(said)
    }
}

/// Whether an address is in the network of another; never if they are of two families.
fn is_within(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differing = u32::from(address) ^ u32::from(network);
            differing.checked_shr(32 - u32::from(prefix.min(32))).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differing = u128::from(address) ^ u128::from(network);
            differing.checked_shr(128 - u32::from(prefix.min(128))).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
