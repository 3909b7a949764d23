//! Who is kept out: bans of addresses from which passwords or recipients are guessed, the lists of the operator, and strangers who bring too
//! much.
//!
//! The listeners ask [`Defence::refuses`] before anything is read or written, the API before it looks at a request, the directory at each
//! login; SMTP asks [`Defence::listed`] about senders. The directory tells of failed logins ([`Defence::failed`]). None of these waits for
//! anything: all that holds is in memory, bounded by `defence.max_entries`. Changes go through the database, where a counter tells the
//! other nodes of them within `defence.watch_milliseconds`; a ban holds on the node that made it at once. Failures are counted on each
//! node for itself, and fade.

mod entries;
mod failures;
mod held;
mod strangers;
mod watch;

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::config;
use crate::model::access::AccessList;
use crate::model::address::EmailAddress;
use crate::model::audit::Actor;
use crate::model::clock::{self, Clock};
use crate::model::network::Network;
use crate::model::refusal::Refusal;
use crate::store::{self, db::Database};
use failures::Failures;
use held::Held;
use strangers::{Strangers, Thing};

pub use entries::{NewBan, NewEntry};
pub use strangers::Probing;

/// How many networks may wait to be written down as banned; more of them hold on this node alone.
const MOST_WAITING: usize = 1_024;

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is banned; until when, if the ban ends by itself.
    Banned(Option<Timestamp>),
    /// It is on the blocklist.
    Blocklisted,
}

/// The defence. Cheap to clone.
#[derive(Clone)]
pub struct Defence {
    inner: Arc<Inner>,
    /// Who makes changes, for the audit log.
    actor: Arc<Actor>,
}

struct Inner {
    database: Database,
    settings: config::Defence,
    clock: Clock,
    held: RwLock<Arc<Held>>,
    failures: Failures,
    strangers: Strangers,
    to_ban: mpsc::Sender<(Network, &'static str)>,
}

impl Defence {
    /// Reads what there is and starts to watch for changes; the watching ends with the last clone.
    pub async fn open(database: Database, settings: config::Defence, clock: Clock) -> Result<Self, store::Error> {
        let (to_ban, banned) = mpsc::channel(MOST_WAITING);
        let inner = Arc::new(Inner {
            failures: Failures::new(&settings),
            strangers: Strangers::new(&settings),
            held: RwLock::default(),
            to_ban,
            database,
            settings,
            clock,
        });
        let version = inner.read().await?;
        tokio::spawn(watch::run(Arc::downgrade(&inner), banned, version));
        let actor = Arc::new(Actor::server());
        Ok(Self { inner, actor })
    }

    /// The same defence for changes by somebody.
    #[must_use]
    pub fn acting(&self, actor: &Arc<Actor>) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            actor: Arc::clone(actor),
        }
    }

    /// Why nothing of this address is taken; none: it is welcome.
    pub fn refuses(&self, ip: IpAddr) -> Option<Refused> {
        let (held, now) = (self.inner.held(), self.inner.clock.now_ms());
        if self.inner.is_exempt(&held, ip, now) {
            None
        } else if held.blocked.holds(ip, now).is_some() {
            Some(Refused::Blocklisted)
        } else {
            let until = held.bans.holds(ip, now).or_else(|| self.inner.failures.banned(ip, now))?;
            Some(Refused::Banned((until != i64::MAX).then(|| clock::timestamp(until))))
        }
    }

    /// Whether this address is on the allowlist: it is not banned, and its mail is not taken for spam.
    pub fn allows(&self, ip: IpAddr) -> bool {
        let now = self.inner.clock.now_ms();
        self.inner.held().allowed.holds(ip, now).is_some()
    }

    /// The list that has something to say of mail from this sender; what is more exact wins, and the allowlist where both are. A sender can
    /// be forged: the allowlist is for those whose authenticity was checked.
    pub fn listed(&self, sender: &EmailAddress) -> Option<AccessList> {
        self.inner.held().sender(sender, self.inner.clock.now_ms())
    }

    /// A login from this address failed.
    pub fn failed(&self, ip: IpAddr) {
        let (held, now) = (self.inner.held(), self.inner.clock.now_ms());
        if self.inner.is_exempt(&held, ip, now) {
            return;
        }
        for network in self.inner.failures.failed(ip, now) {
            self.inner.ban(network, "too many failed logins");
        }
    }

    /// A client that has not logged in wants to bring a message. Errors: PutOff.
    pub fn admits_message(&self, ip: IpAddr) -> Result<(), Refusal> {
        self.inner.admits(ip, Thing::Message, self.inner.settings.messages_per_hour)
    }

    /// The same, to one recipient. Errors: PutOff.
    pub fn admits_recipient(&self, ip: IpAddr) -> Result<(), Refusal> {
        self.inner.admits(ip, Thing::Recipient, self.inner.settings.recipients_per_hour)
    }

    /// A client that has not logged in has asked for a recipient whom there is here, or is not.
    pub fn asked_for_recipient(&self, ip: IpAddr, is_known: bool) -> Probing {
        let (inner, now) = (&self.inner, self.inner.clock.now_ms());
        if inner.is_exempt(&inner.held(), ip, now) {
            return Probing::Nothing;
        }
        let probing = inner.strangers.asked(ip, is_known, now);
        if probing == Probing::Banned {
            let network = inner.failures.ban(ip, now);
            inner.ban(network, "too many unknown recipients");
        }
        probing
    }
}

impl Inner {
    fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A network is banned from now on: here already, and everywhere once it is written down.
    fn ban(&self, network: Network, reason: &'static str) {
        tracing::warn!(%network, reason, "a network is banned");
        if self.to_ban.try_send((network, reason)).is_err() {
            tracing::warn!(%network, "too many bans at a time: this one is not written down");
        }
    }

    fn admits(&self, ip: IpAddr, thing: Thing, most: u64) -> Result<(), Refusal> {
        if most == 0 || self.is_exempt(&self.held(), ip, self.clock.now_ms()) {
            return Ok(());
        }
        let drawn = self.strangers.draw(ip, thing, self.clock.now_ms());
        drawn.map_err(|network| {
            let what = thing.as_str();
            Refusal::PutOff(format!(
                "the limit of {most} {what} an hour from {network} is reached, send this again later"
            ))
        })
    }

    fn is_exempt(&self, held: &Held, ip: IpAddr, now_ms: i64) -> bool {
        self.settings.allow.iter().any(|network| network.contains(ip)) || held.allowed.holds(ip, now_ms).is_some()
    }
}

#[cfg(test)]
mod tests;
