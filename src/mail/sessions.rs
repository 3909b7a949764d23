//! Who is here: the sessions of people who logged in, over all protocols.
//!
//! The doors enter each login and keep its [`Place`]; a session ends when its place says so. That is when the account is
//! disabled or removed or its password changed: by a change of this node at once, by one of another node or of the command line
//! as soon as the directory sees it (`directory.watch_milliseconds`). The list is as long as there are connections.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::directory::{Departure, Directory, Login};
use crate::model::clock::Clock;
use crate::model::ids::UserId;
use crate::model::login::Protocol;
use crate::model::refusal::Refusal;

/// How long after a look that failed the next one is.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// All sessions of this node. Cheap to clone; all clones know the same.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Directory,
    clock: Clock,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    last: u64,
    sessions: HashMap<u64, Entry>,
}

struct Entry {
    session: Session,
    login: Login,
    end: CancellationToken,
}

/// By which way somebody came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Its protocol.
    pub protocol: Protocol,
    /// The client's address; none over a Unix socket.
    pub peer: Option<IpAddr>,
    /// TLS version and cipher.
    pub tls: Option<String>,
}

/// A session as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number, which no other session of this run of the server has.
    pub id: u64,
    /// Who.
    pub login: String,
    /// By which way.
    pub way: Way,
    /// Since when.
    pub since: Timestamp,
}

/// A session's place in the list; given back when it is dropped.
pub struct Place {
    id: u64,
    end: CancellationToken,
    inner: Weak<Inner>,
}

impl Sessions {
    /// Begins to listen to the directory. Must be called in a tokio runtime.
    pub fn open(directory: Directory, clock: Clock) -> Self {
        let departures = directory.departures();
        let inner = Arc::new(Inner {
            directory,
            clock,
            open: Mutex::default(),
        });
        tokio::spawn(listen(Arc::downgrade(&inner), departures));
        Self { inner }
    }

    /// Enters a login. Errors: BadCredentials (it was over before it began), TryLater.
    pub async fn enter(&self, login: Login, way: Way) -> Result<Place, Refusal> {
        let place = self.inner.enter(login.clone(), way);
        // A departure that was told before the place was taken has been missed: only now is it sure that no other will be.
        if self.inner.directory.holds(&login).await? {
            Ok(place)
        } else {
            Err(Refusal::BadCredentials)
        }
    }

    /// All of them, oldest first.
    pub fn list(&self) -> Vec<Session> {
        let open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sessions: Vec<Session> = open.sessions.values().map(|entry| entry.session.clone()).collect();
        sessions.sort_unstable_by_key(|session| session.id);
        sessions
    }

    /// How many there are, by protocol.
    pub fn counts(&self) -> HashMap<Protocol, u64> {
        let open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts: HashMap<Protocol, u64> = Protocol::OF_CLIENTS.into_iter().map(|protocol| (protocol, 0)).collect();
        for entry in open.sessions.values() {
            let count = counts.entry(entry.session.way.protocol).or_default();
            *count = count.saturating_add(1);
        }
        counts
    }

    /// Those of a user, oldest first.
    pub fn list_of(&self, user: UserId) -> Vec<Session> {
        let open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open
            .sessions
            .values()
            .filter(|entry| entry.login.user.id == user && !entry.end.is_cancelled());
        let mut sessions: Vec<Session> = own.map(|entry| entry.session.clone()).collect();
        sessions.sort_unstable_by_key(|session| session.id);
        sessions
    }

    /// Ends one session of a user; whether there was one.
    pub fn end_one(&self, user: UserId, id: u64) -> bool {
        let is_it = |entry: &Entry| entry.session.id == id && entry.login.user.id == user && !entry.end.is_cancelled();
        self.inner.end(is_it) > 0
    }

    /// Ends all sessions of a user; how many there were.
    pub fn end_of(&self, user: UserId) -> usize {
        self.inner.end(|entry| entry.login.user.id == user)
    }
}

impl Inner {
    fn enter(self: &Arc<Self>, login: Login, way: Way) -> Place {
        let end = CancellationToken::new();
        let since = self.clock.now();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.last = open.last.saturating_add(1);
        let id = open.last;
        let session = Session {
            id,
            login: login.user.login.clone(),
            way,
            since,
        };
        let entry = Entry {
            session,
            login,
            end: end.clone(),
        };
        open.sessions.insert(id, entry);
        Place {
            id,
            end,
            inner: Arc::downgrade(self),
        }
    }

    fn end(&self, which: impl Fn(&Entry) -> bool) -> usize {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let ended: Vec<&Entry> = open.sessions.values().filter(|entry| which(entry)).collect();
        for entry in &ended {
            tracing::info!(
                login = entry.session.login,
                protocol = entry.session.way.protocol.as_str(),
                "session ended from outside"
            );
            entry.end.cancel();
        }
        ended.len()
    }

    /// Looks at all of them: the directory was changed elsewhere, and did not say for whom.
    async fn look(&self) -> Result<(), Refusal> {
        let (ids, logins): (Vec<u64>, Vec<Login>) = {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.sessions.iter().map(|(id, entry)| (*id, entry.login.clone())).unzip()
        };
        if logins.is_empty() {
            return Ok(());
        }
        let places = self.directory.ended(&logins).await?;
        let over: HashSet<u64> = places.into_iter().filter_map(|place| ids.get(place).copied()).collect();
        if !over.is_empty() {
            self.end(|entry| over.contains(&entry.session.id));
        }
        Ok(())
    }
}

/// Hears of departures as long as there are sessions to end.
async fn listen(inner: Weak<Inner>, mut departures: Receiver<Departure>) {
    let mut unsure = false;
    loop {
        let departure = match next(&mut departures, unsure).await {
            Ok(departure) => departure,
            Err(RecvError::Lagged(_)) => Departure::Unknown,
            Err(RecvError::Closed) => return,
        };
        let Some(inner) = inner.upgrade() else { return };
        match departure {
            Departure::Of(user) => {
                inner.end(|entry| entry.login.user.id == user);
            }
            Departure::Unknown => {
                let looked = inner.look().await;
                unsure = looked.is_err();
                if let Err(error) = looked {
                    tracing::warn!(%error, "cannot see whose sessions are over");
                }
            }
        }
    }
}

/// The next departure; where the last look failed, a moment later is time for another.
async fn next(departures: &mut Receiver<Departure>, unsure: bool) -> Result<Departure, RecvError> {
    if !unsure {
        return departures.recv().await;
    }
    timeout(LOOK_AGAIN, departures.recv()).await.unwrap_or(Ok(Departure::Unknown))
}

impl Place {
    /// Whether the session is over.
    pub fn is_ended(&self) -> bool {
        self.end.is_cancelled()
    }

    /// What is cancelled when it is.
    pub fn end(&self) -> CancellationToken {
        self.end.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(inner) = self.inner.upgrade() else { return };
        let mut open = inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.sessions.remove(&self.id);
    }
}
