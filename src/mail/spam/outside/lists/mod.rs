//! Lists that are asked over DNS: of the address of the client, and of the domains in a message.
//!
//! All questions about a message are asked at once, within one time, with a bound on those that are under way. A list must not make good
//! mail look bad: one that answers with an error, or lists what is never listed, is left alone for some time, and so are all of them where
//! no name server answers.
//!
//! RFC 5782 §2.1 (addresses), §2.4 (IPv6), §3.1 (domains), §5 (how lists are tested), RFC 6471 §3.3 (lists that have ended)

mod builtin;
mod health;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::config::{self, DnsList, DnsListKind};
use crate::mail::checks::Breaker;
use crate::mail::dns::{Dns, NoAnswer};
use crate::model::address::is_at_or_below;
use crate::model::clock::Clock;
use crate::model::network::is_of_the_internet;
use crate::model::verdict::Symbol;
use health::{Answered, Health};

pub(in crate::mail::spam) use builtin::RULES;

/// The most questions under way, about all messages.
const UNDER_WAY: usize = 1_000;

/// The lists.
pub(super) struct Lists {
    dns: Dns,
    lists: Vec<List>,
    settings: config::DnsLists,
    breaker: Arc<Breaker>,
    room: Semaphore,
    clock: Clock,
}

struct List {
    list: DnsList,
    health: Health,
}

/// What a list says of a message.
struct Said {
    symbols: Vec<Symbol>,
    /// None: it was not asked.
    answered: Option<Answered>,
}

impl Lists {
    /// Opens them, within a runtime.
    pub(super) fn open(dns: Dns, settings: config::DnsLists, weights: &BTreeMap<String, f64>, clock: Clock) -> Self {
        let is_given = |list: &DnsList| settings.lists.iter().any(|it| it.zone.eq_ignore_ascii_case(&list.zone));
        let builtin = builtin::lists(weights)
            .into_iter()
            .filter(|list| settings.builtin && !is_given(list));
        let lists = settings.lists.iter().cloned().chain(builtin);
        let lists = lists.filter(|list| settings.enabled && !list.hits.is_empty()).map(|list| List {
            list,
            health: Health::default(),
        });
        let lists = Self {
            lists: lists.collect(),
            dns,
            settings,
            breaker: Arc::default(),
            room: Semaphore::new(UNDER_WAY),
            clock,
        };
        lists.look_for_name_servers();
        lists
    }

    /// What is said of a client and of domains: each symbol once.
    pub(super) async fn ask(&self, peer: Option<IpAddr>, domains: &[String]) -> Vec<Symbol> {
        let peer = peer.filter(|peer| is_of_the_internet(*peer));
        let domains = domains
            .iter()
            .filter(|domain| !self.is_exempt(domain))
            .take(self.settings.max_domains);
        let domains: Vec<&str> = domains.map(String::as_str).collect();
        // Where nobody answers, or it is not known yet whether somebody does, no message waits for it.
        if self.lists.is_empty() || !self.breaker.is_closed() {
            self.look_for_name_servers();
            return Vec::new();
        }
        let until = Instant::now() + Duration::from_secs(self.settings.timeout_seconds);
        let said = join_all(self.lists.iter().map(|list| self.ask_list(list, peer, &domains, until))).await;
        let asked = || said.iter().filter_map(|it| it.answered);
        if asked().next().is_some() && asked().all(|it| it == Answered::Nothing) {
            self.look_for_name_servers();
        }
        bounded(once(said.into_iter().flat_map(|it| it.symbols)), self.settings.max_score)
    }

    fn is_exempt(&self, domain: &str) -> bool {
        self.settings.exempt_domains.iter().any(|exempt| is_at_or_below(domain, exempt))
    }

    async fn ask_list(&self, list: &List, peer: Option<IpAddr>, domains: &[&str], until: Instant) -> Said {
        let now = self.clock.now_ms();
        let zone = &list.list.zone;
        let subjects: Vec<(String, String)> = match (list.list.kind, peer) {
            (DnsListKind::Address, Some(peer)) if list.list.ipv6 || peer.to_canonical().is_ipv4() => {
                vec![(peer.to_canonical().to_string(), reversed(peer))]
            }
            (DnsListKind::Address, _) => Vec::new(),
            (DnsListKind::Domain, _) => domains.iter().map(|it| ((*it).to_owned(), (*it).to_owned())).collect(),
        };
        if subjects.is_empty() || !list.health.is_on(now) {
            return Said {
                symbols: Vec::new(),
                answered: None,
            };
        }
        let test = async {
            match list.health.is_to_be_tested(now) {
                true => Some(self.answer(format!("{}.{zone}", never_listed(list.list.kind)), until).await),
                false => None,
            }
        };
        let questions = subjects.iter().map(|(_, name)| self.answer(format!("{name}.{zone}"), until));
        let (test, answers) = tokio::join!(test, join_all(questions));
        let (answered, why) = list.judge(test.as_ref(), &answers);
        let pause_ms = i64::try_from(self.settings.pause_minutes.saturating_mul(60_000)).unwrap_or(i64::MAX);
        if list.health.took(answered, now, pause_ms) {
            tracing::warn!(zone, why, "a DNS list is not asked for some time");
        }
        let hits = subjects
            .iter()
            .zip(&answers)
            .flat_map(|((subject, _), answer)| list.hits(subject, answer));
        Said {
            symbols: if answered == Answered::Wrongly {
                Vec::new()
            } else {
                hits.collect()
            },
            answered: Some(answered),
        }
    }

    /// The addresses of a name; none where it does not exist.
    async fn answer(&self, name: String, until: Instant) -> Option<Vec<Ipv4Addr>> {
        let asked = async {
            let _room = self.room.acquire().await.ok()?;
            match self.dns.ipv4(&name).await {
                Ok(found) => Some(found),
                Err(NoAnswer::NoSuchName(_)) => Some(Vec::new()),
                Err(NoAnswer::Temporary { .. } | NoAnswer::Bogus(_)) => None,
            }
        };
        let found = timeout_at(until, asked).await.ok()??;
        let v4 = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        };
        Some(found.into_iter().filter_map(v4).collect())
    }

    /// Finds out whether anybody answers, in the background.
    fn look_for_name_servers(&self) {
        let now = self.clock.now_ms();
        if !self.lists.is_empty() && self.breaker.is_due(now) {
            let (breaker, dns) = (Arc::clone(&self.breaker), self.dns.clone());
            tokio::spawn(async move { breaker.probe(&dns, now, "DNS lists are not asked").await });
        }
    }
}

impl List {
    /// How it has answered, and what is wrong with that.
    fn judge(&self, test: Option<&Option<Vec<Ipv4Addr>>>, answers: &[Option<Vec<Ipv4Addr>>]) -> (Answered, &'static str) {
        if let Some(Some(listed)) = test
            && !listed.is_empty()
        {
            return (
                Answered::Wrongly,
                "it lists what is never listed: it has ended, or refuses to answer",
            );
        }
        if answers.iter().flatten().flatten().any(|answer| is_error(*answer)) {
            return (
                Answered::Wrongly,
                "it answers with an error: it may refuse questions by this name server",
            );
        }
        match (answers.iter().any(Option::is_some), test) {
            (true, Some(Some(_))) => (Answered::WellAndTested, ""),
            (true, _) => (Answered::Well, ""),
            (false, _) => (Answered::Nothing, "it does not answer"),
        }
    }

    fn hits<'a>(&'a self, subject: &'a str, answer: &'a Option<Vec<Ipv4Addr>>) -> impl Iterator<Item = Symbol> + 'a {
        let meant = |hit: &&config::DnsListHit| answer.iter().flatten().any(|answer| hit.codes.contain(*answer));
        self.list.hits.iter().filter(meant).map(move |hit| Symbol {
            name: hit.symbol.clone(),
            weight: hit.weight,
            detail: subject.to_owned(),
        })
    }
}

/// What no list lists (RFC 5782 §5).
const fn never_listed(kind: DnsListKind) -> &'static str {
    match kind {
        DnsListKind::Address => "1.0.0.127",
        DnsListKind::Domain => "invalid",
    }
}

/// Whether this is no code, but says that the question is not answered: Spamhaus' 127.255.255.0/24, 127.0.0.1 and 127.0.0.255 of others,
/// and what is not of 127.0.0.0/8 at all, such as the answers of providers that sell advertisements and of zones that were abandoned.
fn is_error(answer: Ipv4Addr) -> bool {
    match answer.octets() {
        [127, 255, 255, _] | [127, 0, 0, 0 | 1 | 255] => true,
        [127, ..] => false,
        _ => true,
    }
}

/// An address as it is asked about: the octets of IPv4, the half octets of IPv6, the last one first (RFC 5782 §2.1, §2.4).
fn reversed(ip: IpAddr) -> String {
    let parts: Vec<String> = match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().iter().rev().map(u8::to_string).collect(),
        IpAddr::V6(ip) => {
            let octets = ip.octets();
            let halves = octets.iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            halves.map(|half| format!("{half:x}")).collect()
        }
    };
    parts.join(".")
}

/// Each symbol once, with all that it was found for.
fn once(symbols: impl Iterator<Item = Symbol>) -> Vec<Symbol> {
    let mut all: Vec<Symbol> = Vec::new();
    for symbol in symbols {
        match all.iter_mut().find(|it| it.name == symbol.name) {
            Some(known) if known.detail != symbol.detail => {
                known.detail.push_str(", ");
                known.detail.push_str(&symbol.detail);
            }
            Some(_) => {}
            None => all.push(symbol),
        }
    }
    all
}

/// The same, those that speak against the message with no more than so much together.
fn bounded(mut symbols: Vec<Symbol>, most: f64) -> Vec<Symbol> {
    let sum: f64 = symbols.iter().map(|it| it.weight).filter(|it| *it > 0.0).sum();
    if sum > most {
        for symbol in symbols.iter_mut().filter(|it| it.weight > 0.0) {
            symbol.weight = (symbol.weight * most / sum * 100.0).round() / 100.0;
        }
    }
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_reversed() {
        assert_eq!(reversed("192.0.2.99".parse().unwrap()), "99.2.0.192");
        assert_eq!(reversed("::ffff:192.0.2.99".parse().unwrap()), "99.2.0.192");
        // The example of RFC 5782 §2.4.
        assert_eq!(
            reversed("2001:db8:1:2:3:4:567:89ab".parse().unwrap()),
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2"
        );
    }

    #[test]
    fn errors_are_told_from_codes() {
        for error in [
            "127.255.255.254",
            "127.255.255.255",
            "127.0.0.1",
            "127.0.0.255",
            "192.0.2.1",
            "0.0.0.0",
        ] {
            assert!(is_error(error.parse().unwrap()), "{error}");
        }
        for code in ["127.0.0.2", "127.0.1.2", "127.0.10.3", "127.0.0.11"] {
            assert!(!is_error(code.parse().unwrap()), "{code}");
        }
    }

    #[test]
    fn a_list_is_judged_by_its_answers() {
        let list = List {
            list: DnsList {
                zone: "bl.test".into(),
                kind: DnsListKind::Address,
                ipv6: true,
                hits: vec![config::DnsListHit {
                    codes: "127.0.0.2".parse().unwrap(),
                    symbol: "MINE".into(),
                    weight: 3.0,
                }],
            },
            health: Health::default(),
        };
        let of = |text: &str| Some(text.split_whitespace().map(|it| it.parse().unwrap()).collect::<Vec<Ipv4Addr>>());
        let judged = |test: Option<&Option<Vec<Ipv4Addr>>>, answers: &[_]| list.judge(test, answers).0;
        assert_eq!(judged(None, &[of("127.0.0.2"), None]), Answered::Well);
        assert_eq!(judged(Some(&of("")), &[of("")]), Answered::WellAndTested);
        assert_eq!(judged(Some(&None), &[of("")]), Answered::Well);
        assert_eq!(judged(Some(&of("127.0.0.2")), &[of("127.0.0.2")]), Answered::Wrongly);
        assert_eq!(judged(None, &[of("127.0.0.2 127.255.255.254")]), Answered::Wrongly);
        assert_eq!(judged(Some(&of("")), &[None, None]), Answered::Nothing);
        assert_eq!(list.hits("x", &of("127.0.0.3 127.0.0.2")).count(), 1);
        assert_eq!(list.hits("x", &None).count(), 0);
    }

    #[test]
    fn symbols_stand_once_and_are_bounded_together() {
        let symbol = |name: &str, weight, detail: &str| Symbol {
            name: name.into(),
            weight,
            detail: detail.into(),
        };
        let all = once(
            [
                symbol("A", 6.0, "x"),
                symbol("A", 6.0, "y"),
                symbol("B", -1.0, "x"),
                symbol("C", 4.0, "x"),
            ]
            .into_iter(),
        );
        assert_eq!(all[0].detail, "x, y");
        let all = bounded(all, 5.0);
        assert_eq!(all.iter().map(|it| it.weight).collect::<Vec<_>>(), [3.0, -1.0, 2.0]);
    }
}
