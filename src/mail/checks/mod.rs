//! The checks of incoming mail: who a message is from, as far as that can be proved, and what is done with it because of that.
//!
//! `intake` asks ([`Checks::examine`]) between the last octet and the delivery of what comes from outside. What has to be asked of name
//! servers is asked at the same time, within one time limit; signatures are verified off the network threads, with a bound on the octets of
//! messages that are in memory for it. Whatever cannot be found out is a temporary error, which no message is refused for.
//!
//! RFC 8601 §2.7 (results), RFC 7208 §2 (SPF), RFC 6376 §6 (DKIM), RFC 8617 §7.2 (ARC), RFC 9989 §5 (DMARC).

mod breaker;
mod dmarc;
mod iprev;
mod names;
mod results;
mod signatures;
pub mod spf;
#[cfg(test)]
mod zone;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

pub use names::Names;

pub(in crate::mail) use breaker::Breaker;
use names::Asking;
use signatures::{Found, Keys, Wanted};

use crate::config::{self, DmarcQuarantine, DmarcReject};
use crate::mail::dns::{Dns, NoAnswer};
use crate::mail::mailbox::Draft;
use crate::mail::reports::dmarc::{Published, Tally};
use crate::model::address::{Domain, EmailAddress};
use crate::model::clock::{Clock, DAY_MS};
use crate::model::refusal::Refusal;
use crate::model::verdict::{Arc as Chain, Authentication, Dkim, Dmarc, Exception, Outcome, Policy, Spf, Verdict};
use crate::wire::message::header::Fields;
use crate::wire::message::structure::{Address, addresses};

/// A permit stands for so many octets.
const PIECE: u64 = 1_024;
/// What follows where none of them answers.
const WITHOUT: &str = "incoming mail is taken without waiting for the checks";
/// How long the name servers have for questions that no message waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the checks stand on.
pub struct Ground {
    /// Whom they ask.
    pub dns: Dns,
    /// What is checked, and what follows from it.
    pub settings: config::Checks,
    /// The name of this server, by which it signs what it notes.
    pub hostname: String,
    /// What is told to the domains of authors; none: nothing.
    pub tally: Option<Tally>,
    /// The time.
    pub clock: Clock,
}

/// The checks. Cheap to clone.
#[derive(Clone)]
pub struct Checks {
    inner: Arc<Inner>,
}

struct Inner {
    ground: Ground,
    /// Room for messages in memory, in pieces.
    room: Semaphore,
    pieces: u32,
    breaker: Breaker,
}

/// A message with its envelope.
#[derive(Clone, Copy)]
pub struct Subject<'s> {
    /// The address of the client.
    pub peer: IpAddr,
    /// What it said in HELO; empty if it said nothing.
    pub helo: &'s str,
    /// MAIL FROM; none for the null sender.
    pub sender: Option<&'s EmailAddress>,
    /// Its header, without the empty line.
    pub header: &'s [u8],
    /// All of it, after [`Draft::finish`].
    pub draft: &'s Draft,
}

impl Checks {
    /// Opens the checks, within a runtime.
    pub fn open(ground: Ground) -> Self {
        let pieces = u32::try_from(ground.settings.max_memory_bytes / PIECE).unwrap_or(u32::MAX);
        let pieces = pieces.clamp(1, u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        let checks = Self {
            inner: Arc::new(Inner {
                ground,
                room: Semaphore::new(usize::try_from(pieces).unwrap_or(1)),
                pieces,
                breaker: Breaker::default(),
            }),
        };
        checks.look_for_name_servers();
        checks
    }

    /// Whether mail from this address is checked.
    pub fn concern(&self, peer: IpAddr) -> bool {
        let settings = &self.inner.ground.settings;
        let checks = [settings.iprev, settings.spf, settings.dkim, settings.arc, settings.dmarc];
        checks.contains(&true) && !self.trusts(peer)
    }

    /// Whether mail from this address was checked by a relay that is trusted.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let networks = &self.inner.ground.settings.trusted_networks;
        networks.iter().any(|network| network.contains(peer))
    }

    /// Whether mail that comes over LMTP is checked.
    pub fn concern_lmtp(&self) -> bool {
        self.inner.ground.settings.lmtp
    }

    /// Checks a message. It never fails: what cannot be found out is said so in the verdict.
    pub async fn examine(&self, subject: Subject<'_>) -> Verdict {
        let Ground {
            dns, settings, hostname, ..
        } = &self.inner.ground;
        let patience = self.inner.breaker.patience(Duration::from_secs(settings.timeout_seconds));
        let asking = Asking::new(dns, Instant::now() + patience);
        let authentication = self.authenticate(&asking, &subject).await;
        if asking.was_in_vain() || self.inner.breaker.is_open() {
            self.look_for_name_servers();
        }
        let mut verdict = Verdict {
            lines: results::line(hostname, settings, &authentication),
            ..Verdict::default()
        };
        match authentication.dmarc.disposition {
            Policy::Reject => {
                let domain = &authentication.dmarc.domain;
                verdict.refusal = Some(Refusal::NotAuthenticated(format!(
                    "the message does not pass DMARC, and {domain} wants such mail refused"
                )));
            }
            Policy::Quarantine => verdict.is_junk = true,
            Policy::None => {}
        }
        verdict.authentication = Some(authentication);
        verdict
    }

    /// Finds out whether anybody answers, in the background.
    fn look_for_name_servers(&self) {
        let now = self.inner.ground.clock.now_ms();
        if self.inner.breaker.is_due(now) {
            let inner = Arc::clone(&self.inner);
            tokio::spawn(async move { inner.breaker.probe(&inner.ground.dns, now, WITHOUT).await });
        }
    }

    async fn authenticate(&self, names: &impl Names, subject: &Subject<'_>) -> Authentication {
        let settings = &self.inner.ground.settings;
        let wanted = Wanted {
            dkim: settings.dkim,
            arc: settings.arc,
            most: settings.max_signatures,
        };
        let iprev = async {
            match settings.iprev {
                true => iprev::check(names, subject.peer).await,
                false => Default::default(),
            }
        };
        let keys = Keys::ask(names, wanted.keys(subject.header));
        let (iprev, (spf_helo, spf), keys) = tokio::join!(iprev, self.spf(names, subject), keys);
        let Found { dkim, mut arc } = self.verify(subject, keys, wanted).await;
        arc.vouches = arc.outcome == Outcome::Pass && signatures::is_vouched_for(subject.header, &arc.sealers, |it| self.is_trusted(it));
        let (dmarc, published) = self.dmarc(names, subject, (&spf, &dkim, &arc)).await;
        let authentication = Authentication {
            peer: Some(subject.peer),
            iprev,
            spf_helo,
            spf,
            dkim,
            arc,
            dmarc,
        };
        self.count(&authentication, published.as_ref());
        authentication
    }

    /// Counts what the author's domain wants to hear of.
    fn count(&self, found: &Authentication, published: Option<&Published>) {
        let Ground { tally, clock, .. } = &self.inner.ground;
        let is_sure = matches!(found.dmarc.outcome, Outcome::Pass | Outcome::Fail);
        if let (Some(tally), Some(published), true) = (tally, published, is_sure && found.dmarc.wants_reports) {
            tally.add(clock.now_ms().div_euclid(DAY_MS), published, found);
        }
    }

    /// SPF of the name in HELO, and of the sender.
    async fn spf(&self, names: &impl Names, subject: &Subject<'_>) -> (Spf, Spf) {
        let Ground {
            settings, hostname, clock, ..
        } = &self.inner.ground;
        if !settings.spf {
            return Default::default();
        }
        let question = spf::Question {
            peer: subject.peer,
            helo: subject.helo,
            local: "",
            domain: subject.helo,
            receiver: hostname,
            now: clock.now().as_second(),
        };
        let sender = subject
            .sender
            .and_then(|address| Some((address.local(), address.domain()?.as_str())));
        match (subject.sender, sender) {
            // RFC 7208 §2.4: the null sender stands for the name in HELO.
            (None, _) => {
                let helo = spf::check(names, &question).await;
                (helo.clone(), helo)
            }
            // An address literal has no record.
            (Some(_), None) => (spf::check(names, &question).await, Spf::default()),
            (Some(_), Some((local, domain))) => {
                let of_sender = spf::Question { local, domain, ..question };
                tokio::join!(spf::check(names, &question), spf::check(names, &of_sender))
            }
        }
    }

    async fn verify(&self, subject: &Subject<'_>, keys: Keys, wanted: Wanted) -> Found {
        if !wanted.concerns(subject.header) {
            return Found::default();
        }
        let room = self.room(subject.draft.size()).await;
        let octets = match subject.draft.read_all().await {
            Ok(octets) => octets,
            Err(refusal) => return unknown(&refusal.to_string()),
        };
        let authenticator = self.inner.ground.dns.authenticator();
        let verified = tokio::task::spawn_blocking(move || signatures::verify(&authenticator, &octets, &keys, wanted)).await;
        drop(room);
        verified.unwrap_or_else(|problem| {
            tracing::error!(%problem, "signatures could not be verified");
            unknown("they could not be verified")
        })
    }

    /// Room for a message in memory, as long as this is held.
    pub(in crate::mail) async fn room(&self, octets: u64) -> Option<SemaphorePermit<'_>> {
        let pieces = u32::try_from(octets / PIECE).unwrap_or(u32::MAX).saturating_add(1);
        self.inner.room.acquire_many(pieces.min(self.inner.pieces)).await.ok()
    }

    fn is_trusted(&self, sealer: &str) -> bool {
        let trusted = &self.inner.ground.settings.trusted_sealers;
        trusted.iter().any(|domain| domain.eq_ignore_ascii_case(sealer))
    }

    async fn dmarc(
        &self,
        names: &impl Names,
        subject: &Subject<'_>,
        (spf, dkim, arc): (&Spf, &[Dkim], &Chain),
    ) -> (Dmarc, Option<Published>) {
        let settings = &self.inner.ground.settings;
        if !settings.dmarc {
            return Default::default();
        }
        let authors = authors(subject.header);
        let evidence = dmarc::Evidence {
            authors: &authors,
            spf,
            dkim,
        };
        let (mut dmarc, published) = dmarc::check(names, &evidence).await;
        if dmarc.outcome == Outcome::Fail {
            (dmarc.disposition, dmarc.exception) = disposition(dmarc.policy, arc.vouches, settings);
        }
        (dmarc, published)
    }
}

/// Whether two domains are of one organisation (RFC 9989 §4.10.2).
pub(in crate::mail) async fn are_of_one_organization(dns: &Dns, one: &Domain, other: &Domain) -> Result<bool, NoAnswer> {
    let asking = Asking::new(dns, Instant::now() + PATIENCE);
    let (one, other) = tokio::join!(
        dmarc::organization_of(&asking, one.as_str()),
        dmarc::organization_of(&asking, other.as_str())
    );
    Ok(one? == other?)
}

/// What is done with what fails, and why that is not what the domain wants.
fn disposition(policy: Policy, is_vouched_for: bool, settings: &config::Checks) -> (Policy, Option<Exception>) {
    if is_vouched_for && policy != Policy::None {
        return (Policy::None, Some(Exception::TrustedForwarder));
    }
    let done = match (policy, settings.dmarc_reject, settings.dmarc_quarantine) {
        (Policy::Reject, DmarcReject::Reject, _) => Policy::Reject,
        (Policy::Reject, DmarcReject::Junk, _) | (Policy::Quarantine, _, DmarcQuarantine::Junk) => Policy::Quarantine,
        _ => Policy::None,
    };
    (done, (done != policy).then_some(Exception::LocalPolicy))
}

/// Signatures of which nothing is known.
fn unknown(reason: &str) -> Found {
    let reason = Some(reason.to_owned());
    Found {
        dkim: vec![Dkim {
            outcome: Outcome::TempError,
            reason: reason.clone(),
            ..Dkim::default()
        }],
        arc: Chain {
            outcome: Outcome::TempError,
            reason,
            ..Chain::default()
        },
    }
}

/// The domains of all addresses in all From fields.
fn authors(header: &[u8]) -> Vec<Domain> {
    let from = Fields::new(header).filter(|field| field.is("From"));
    let members = from.flat_map(|field| addresses(field.value));
    let domains = members.filter_map(|member| match member {
        Address::Mailbox { domain, .. } => Domain::parse(std::str::from_utf8(&domain).ok()?).ok(),
        _ => None,
    });
    domains.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_has_the_last_word() {
        let mut settings = config::Checks::default();
        let local = Some(Exception::LocalPolicy);
        let of = |policy, vouched, settings: &config::Checks| disposition(policy, vouched, settings);
        assert_eq!(of(Policy::Reject, false, &settings), (Policy::Reject, None));
        assert_eq!(of(Policy::Quarantine, false, &settings), (Policy::Quarantine, None));
        assert_eq!(of(Policy::None, true, &settings), (Policy::None, None));
        assert_eq!(
            of(Policy::Reject, true, &settings),
            (Policy::None, Some(Exception::TrustedForwarder))
        );
        settings.dmarc_reject = DmarcReject::Junk;
        settings.dmarc_quarantine = DmarcQuarantine::None;
        assert_eq!(of(Policy::Reject, false, &settings), (Policy::Quarantine, local));
        assert_eq!(of(Policy::Quarantine, false, &settings), (Policy::None, local));
        settings.dmarc_reject = DmarcReject::None;
        assert_eq!(of(Policy::Reject, false, &settings), (Policy::None, local));
    }

    #[test]
    fn authors_are_those_of_all_fields() {
        let header = b"From: a@A.test, \"b@x.test\" <b@b.test>\r\nX: y\r\nfrom: c@[192.0.2.1], d@c.test\r\n";
        let found: Vec<String> = authors(header).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["a.test", "b.test", "c.test"]);
    }
}
