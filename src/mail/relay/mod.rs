//! Delivery of a message to the next server: which hosts, a connection, the dialogue, what became of each recipient.
//!
//! `dispatch` calls it with what it has claimed from `queue`. It keeps nothing and decides nothing about later: a recipient is
//! delivered, failed for good, or put off. A host that cannot be used, or puts recipients off, gives way to the next one of the
//! domain. When a connection breaks after all of a message was sent no second host is asked, since the first may have taken it.
//!
//! How much TLS a session must have is decided in `security`. A login is said only over TLS.
//!
//! RFC 5321 §3.3 (transactions), §5.1 (MX), RFC 3207 §4 (STARTTLS), RFC 7505 §4 (null MX).

mod body;
mod command;
mod connection;
mod dane;
mod dots;
mod finding;
mod flight;
mod https;
mod mx;
mod offers;
mod own;
mod route;
mod security;
mod session;
mod sts;
mod target;
pub(in crate::mail) mod tls;
mod transaction;

pub(in crate::mail) use body::Body;
pub use dane::Dane;
pub use route::{BadRoute, Lane, Server};
pub use security::{Applied, Failure, Outcome};
pub use session::Session;
pub(crate) use target::Target;
pub use tls::{NoTls, verified};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use self::own::Own;
use self::route::Routes;
use self::security::{Journey, Security};
use self::session::{Login, Terms, TlsTerms};
use self::target::Targets;
use super::dns::Dns;
use super::queue::{Content, Finding, Settlement, Via};
use crate::config;
use crate::model::address::Host;
use crate::model::clock::Clock;
use crate::model::envelope::{Recipient, Sender};
use crate::store::db::Database;

/// How many servers of a destination are talked to before it is left for later.
const MOST_SESSIONS: usize = 2;
/// How many addresses of a destination are tried for that.
const MOST_ADDRESSES: usize = 10;

/// A message on its way, with those of its recipients that go the same way.
pub struct Parcel<'a> {
    /// Its octets.
    pub content: &'a Content,
    /// How many they are.
    pub size: u64,
    pub sender: &'a Sender,
    pub recipients: &'a [Recipient],
}

impl Parcel<'_> {
    fn all(&self, settlement: &Settlement) -> Vec<Settlement> {
        vec![settlement.clone(); self.recipients.len()]
    }
}

/// What came of a delivery.
#[derive(Debug)]
pub struct Delivery {
    /// For each recipient of the parcel, in order.
    pub settlements: Vec<Settlement>,
    /// No server of the destination could be talked to, for the reason given: other messages would fare no better now.
    pub unreachable: Option<Finding>,
    /// What became of the security of the sessions that were opened for it.
    pub outcomes: Vec<Outcome>,
    /// The connection that it went over, if there is one left.
    pub via: Option<Via>,
    /// A session that is of no further use, to be taken leave of when the results are written down.
    pub farewell: Option<Session>,
}

impl Delivery {
    fn settled(settlements: Vec<Settlement>) -> Self {
        Self {
            settlements,
            unreachable: None,
            outcomes: Vec::new(),
            via: None,
            farewell: None,
        }
    }
}

/// What the way out stands on.
pub struct Ground {
    /// What the server calls itself.
    pub hostname: String,
    /// Where it takes mail from others.
    pub listeners: Vec<SocketAddr>,
    pub dns: Dns,
    pub database: Database,
    pub clock: Clock,
}

/// The way out. Cheap to clone.
#[derive(Clone)]
pub struct Relay {
    inner: Arc<Inner>,
}

struct Inner {
    hostname: String,
    settings: config::Outbound,
    routes: Routes,
    dns: Dns,
    security: Security,
    own: Own,
}

impl Relay {
    /// Reads the system's certificate authorities.
    ///
    /// # Errors
    /// A sentence that names the key of a route that is wrong.
    pub fn new(ground: Ground, settings: config::Outbound) -> Result<Self, BadRoute> {
        let inner = Inner {
            routes: Routes::read(&ground.hostname, &settings)?,
            security: Security::new(&settings, &ground)?,
            own: Own::new(ground.listeners, settings.own_addresses.clone()),
            hostname: ground.hostname,
            settings,
            dns: ground.dns,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What the server calls itself.
    pub fn hostname(&self) -> &str {
        &self.inner.hostname
    }

    /// The resolver that finds the hosts.
    pub fn dns(&self) -> &Dns {
        &self.inner.dns
    }

    /// HTTPS towards other domains, with the certificate authorities that count for mail servers too.
    pub fn https(&self) -> &reqwest::Client {
        &self.inner.security.https
    }

    /// The bounds that dispatch keeps: `max_deliveries`, `max_connections_per_destination`.
    pub fn settings(&self) -> &config::Outbound {
        &self.inner.settings
    }

    /// The lane of a destination.
    pub fn lane(&self, destination: &Host) -> Lane {
        self.inner.routes.lane(destination)
    }

    /// The most messages a minute over a lane; 0: no bound.
    pub fn rate(&self, lane: &Lane) -> u64 {
        self.inner.routes.rate(lane)
    }

    /// Delivers a parcel over the session kept from the one before, or a new one, which is left in `kept` if it is of further use.
    pub async fn deliver(&self, kept: &mut Option<Session>, lane: &Lane, parcel: &Parcel<'_>) -> Delivery {
        if parcel.sender.tls_optional {
            return self.deliver_without_demands(kept, lane, parcel).await;
        }
        let delivery = self.deliver_over(kept, lane, parcel).await;
        let via = kept.as_ref().map(Session::via);
        Delivery { via, ..delivery }
    }

    async fn deliver_over(&self, kept: &mut Option<Session>, lane: &Lane, parcel: &Parcel<'_>) -> Delivery {
        let mut body = match Body::open(parcel.content).await {
            Ok(body) => body,
            Err(error) => return Delivery::settled(parcel.all(&no_file(parcel, &error))),
        };
        if let Some(mut session) = kept.take().filter(Session::is_reusable) {
            match session.transact(parcel, &mut body).await {
                Ok(settlements) => {
                    *kept = Some(session);
                    return Delivery::settled(settlements);
                }
                Err(lost) if !lost.is_safe => return Delivery::settled(parcel.all(&Settlement::Deferred(lost.finding))),
                // A session that lay idle may have been closed: a new one tells more.
                Err(lost) => tracing::debug!(%lane, why = lost.finding.text, "session lost"),
            }
        }
        let mut journey = Journey::new(lane, false);
        let delivery = self.deliver_anew(kept, &mut journey, parcel, &mut body).await;
        Delivery {
            outcomes: journey.into_outcomes(),
            ..delivery
        }
    }

    /// RFC 8689 §5: a message that says so goes whatever policies demand, and over a session of its own, so that no other goes that way.
    /// RFC 8460 §3: such sessions are not reported.
    async fn deliver_without_demands(&self, kept: &mut Option<Session>, lane: &Lane, parcel: &Parcel<'_>) -> Delivery {
        // Some servers take one connection of a client at a time.
        if let Some(session) = kept.take() {
            session.quit().await;
        }
        let mut body = match Body::open(parcel.content).await {
            Ok(body) => body,
            Err(error) => return Delivery::settled(parcel.all(&no_file(parcel, &error))),
        };
        let (mut journey, mut own) = (Journey::new(lane, true), None);
        let delivery = self.deliver_anew(&mut own, &mut journey, parcel, &mut body).await;
        Delivery {
            via: own.as_ref().map(Session::via),
            farewell: own,
            ..delivery
        }
    }

    /// Delivers it over a new session.
    async fn deliver_anew(&self, kept: &mut Option<Session>, journey: &mut Journey<'_>, parcel: &Parcel<'_>, body: &mut Body) -> Delivery {
        let lane = journey.lane;
        let mut targets = match self.targets(journey).await {
            Ok(targets) => targets,
            Err(Settlement::Deferred(finding)) => return unreachable(parcel, finding),
            Err(settlement) => return Delivery::settled(parcel.all(&settlement)),
        };
        self.find_policy(journey).await;
        let (mut sessions, mut last) = (0, None);
        for _ in 0..MOST_ADDRESSES {
            let Some(target) = targets.next(self, journey).await else { break };
            let mut session = match self.session(&target, journey).await {
                Ok(session) => session,
                Err(finding) => {
                    tracing::debug!(%lane, why = finding.text, "no session");
                    last = Some(finding);
                    continue;
                }
            };
            sessions += 1;
            body.rewind();
            match session.transact(parcel, body).await {
                Ok(mut settlements) => {
                    let other = if sessions < MOST_SESSIONS && !session.is_doubtful {
                        targets.skip(&target);
                        self.ask_another(&mut targets, journey, parcel, body, &mut settlements).await
                    } else {
                        None
                    };
                    *kept = Some(other.unwrap_or(session));
                    return Delivery::settled(settlements);
                }
                Err(lost) => {
                    if !lost.is_safe || sessions == MOST_SESSIONS {
                        return Delivery::settled(parcel.all(&Settlement::Deferred(lost.finding)));
                    }
                    last = Some(lost.finding);
                }
            }
        }
        match last {
            Some(finding) if sessions > 0 => Delivery::settled(parcel.all(&Settlement::Deferred(finding))),
            Some(finding) => unreachable(parcel, finding),
            None => match targets.none_found(lane) {
                Settlement::Deferred(finding) => unreachable(parcel, finding),
                settlement => Delivery::settled(parcel.all(&settlement)),
            },
        }
    }

    /// What one host puts off another may take now (RFC 5321 §5.1): asks the next one that can be talked to for the recipients that were
    /// put off. Only what it takes counts: a second host that refuses for good may be wrong where the first one is only busy. The session
    /// with it, if it took anything.
    async fn ask_another(
        &self,
        targets: &mut Targets,
        journey: &mut Journey<'_>,
        parcel: &Parcel<'_>,
        body: &mut Body,
        settlements: &mut [Settlement],
    ) -> Option<Session> {
        let is_put_off = |settlement: &Settlement| matches!(settlement, Settlement::Deferred(_));
        let left: Vec<Recipient> = parcel
            .recipients
            .iter()
            .zip(&*settlements)
            .filter(|(_, settlement)| is_put_off(settlement))
            .map(|(recipient, _)| recipient.clone())
            .collect();
        if left.is_empty() {
            return None;
        }
        let rest = Parcel {
            recipients: &left,
            ..*parcel
        };
        let mut session = self.any_session(targets, journey).await?;
        body.rewind();
        // If this one breaks, the first one's word stands, and the next try is later.
        let words = session.transact(&rest, body).await.ok()?;
        let mut any = false;
        for (settlement, word) in settlements.iter_mut().filter(|it| is_put_off(it)).zip(words) {
            if matches!(word, Settlement::Delivered { .. }) {
                *settlement = word;
                any = true;
            }
        }
        if any {
            return Some(session);
        }
        session.quit().await;
        None
    }

    /// A session with the next host that can be talked to.
    async fn any_session(&self, targets: &mut Targets, journey: &mut Journey<'_>) -> Option<Session> {
        for _ in 0..MOST_ADDRESSES {
            let target = targets.next(self, journey).await?;
            match self.session(&target, journey).await {
                Ok(session) => return Some(session),
                Err(finding) => tracing::debug!(lane = %journey.lane, why = finding.text, "no session"),
            }
        }
        None
    }

    fn terms(&self, target: &Target, lane: &Lane, tls: TlsTerms) -> Terms<'_> {
        let settings = &self.inner.settings;
        let way = self.inner.routes.way(lane);
        let login = Login {
            username: &way.username,
            password: &way.password,
        };
        Terms {
            hostname: &way.helo_name,
            source: way.source(target.address.ip()),
            tls,
            server_name: None,
            chunking: settings.chunking,
            login: (!way.username.is_empty()).then_some(login),
            to_connect: Duration::from_secs(settings.connect_timeout_seconds.max(1)),
            patience: Duration::from_secs(settings.reply_timeout_seconds.max(1)),
        }
    }
}

fn unreachable(parcel: &Parcel<'_>, finding: Finding) -> Delivery {
    Delivery {
        settlements: parcel.all(&Settlement::Deferred(finding.clone())),
        unreachable: Some(finding),
        outcomes: Vec::new(),
        via: None,
        farewell: None,
    }
}

/// The message's file cannot be read: if it is gone, nothing will bring it back.
fn no_file(parcel: &Parcel<'_>, error: &std::io::Error) -> Settlement {
    tracing::error!(content = ?parcel.content, %error, "cannot read a queued message's file");
    if error.kind() == std::io::ErrorKind::NotFound {
        Settlement::Failed(finding::lost_file())
    } else {
        Settlement::Deferred(finding::unreadable_file())
    }
}

#[cfg(test)]
mod tests;
