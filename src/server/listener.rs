//! Listeners: all are bound before the first connection is served, and each connection becomes a session of its own.
//!
//! `app` calls [`Listeners::bind`] with every service, then [`Listeners::serve`], and at the end [`Serving::finish`].

use std::any::Any;
use std::io;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use prometheus_client::registry::Registry;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bind::{self, BindError, Socket, Sockets};
use super::limits::{Connections, Full};
use super::stream::{HANDSHAKE_TIMEOUT, Stream};
use super::traffic::{AllTraffic, Traffic};
use crate::config::{Limits, Proxy};
use crate::mail::defence::Defence;

/// What serves a connection.
pub type Door = Arc<dyn Fn(Stream) -> BoxFuture<'static, ()> + Send + Sync>;

/// One key of `[listen]`: where it listens, and what serves there.
pub struct Service {
    /// The configuration key, such as `listen.imap`.
    pub key: &'static str,
    /// `address:port`, or a path with a `/` for a Unix socket.
    pub addresses: Vec<String>,
    /// Where TLS begins with the first octet (RFC 8314 §3): with what.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// What a client hears that is one too many: a whole line with its CRLF. Where TLS comes first it hears nothing: a handshake is the
    /// dearest part of a connection, and who has too many is not given it.
    pub busy: &'static str,
    /// What serves a connection.
    pub door: Door,
}

/// Listeners that are bound and do not serve yet. Dropping them frees the addresses.
pub struct Listeners {
    bound: Vec<Bound>,
    traffic: AllTraffic,
}

struct Bound {
    address: String,
    socket: Socket,
    front: Arc<Front>,
}

/// What a session keeps of its listener: not the socket, which closes when the server stops accepting.
struct Front {
    key: &'static str,
    traffic: Traffic,
    tls: Option<Arc<rustls::ServerConfig>>,
    busy: &'static str,
    door: Door,
}

impl Listeners {
    /// Binds every address of every service, or none. Must be called in a tokio runtime.
    /// Sockets that are bound already are taken for it.
    pub fn bind(services: Vec<Service>, sockets: &mut Sockets) -> Result<Self, BindError> {
        let traffic = AllTraffic::default();
        let mut bound = Vec::new();
        for Service {
            key,
            addresses,
            tls,
            busy,
            door,
        } in services
        {
            let front = Arc::new(Front {
                key,
                traffic: traffic.of(key),
                tls,
                busy,
                door,
            });
            for address in addresses {
                let socket = bind::socket(key, &address, sockets)?;
                bound.push(Bound {
                    address: socket.address(),
                    socket,
                    front: Arc::clone(&front),
                });
            }
        }
        Ok(Self { bound, traffic })
    }

    /// The configuration key and the actual address of each listener, in the order of the services.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.bound.iter().map(|bound| (bound.front.key, bound.address.as_str()))
    }

    /// Shows the connections that this process counts.
    pub fn register(&self, registry: &mut Registry) {
        self.traffic.register(registry);
    }

    /// Begins to serve. Once `stop` is cancelled, nothing more is accepted and sessions hear `Gone::Stopping`.
    /// Nothing is taken from whom the defence refuses, without a word: it would be one for a machine.
    pub fn serve(self, gate: Gate, stop: CancellationToken) -> Serving {
        let patience = Duration::from_secs(gate.limits.shutdown_seconds);
        let sessions = Sessions {
            connections: Connections::new(&gate.limits),
            gate: Arc::new(gate),
            running: TaskTracker::new(),
            stop,
            abort: CancellationToken::new(),
        };
        for bound in self.bound {
            sessions.running.spawn(sessions.clone().accept(bound));
        }
        Serving { sessions, patience }
    }
}

/// Who is let in.
#[derive(Default)]
pub struct Gate {
    /// How many.
    pub limits: Limits,
    /// Who hands on the connections of others.
    pub proxy: Proxy,
    /// Who is kept out.
    pub defence: Option<Defence>,
}

impl Gate {
    /// Whether a connection to this listener begins with a header of the PROXY protocol.
    fn is_proxied(&self, front: &Front, peer: IpAddr) -> bool {
        let named = |name: &String| front.key.strip_prefix("listen.") == Some(name);
        let names = &self.proxy.listeners;
        self.proxy.from.iter().any(|network| network.contains(peer)) && (names.is_empty() || names.iter().any(named))
    }
}

/// Listeners at work.
pub struct Serving {
    sessions: Sessions,
    patience: Duration,
}

impl Serving {
    /// Stops (if the token has not done so), gives the sessions `limits.shutdown_seconds` to finish, then ends the others.
    pub async fn finish(self) {
        let Sessions { running, stop, abort, .. } = self.sessions;
        stop.cancel();
        running.close();
        if timeout(self.patience, running.wait()).await.is_err() {
            tracing::warn!(
                sessions = running.len(),
                "limits.shutdown_seconds are over, ending the sessions that are left"
            );
            abort.cancel();
            running.wait().await;
        }
    }
}

/// What all listeners share.
#[derive(Clone)]
struct Sessions {
    gate: Arc<Gate>,
    connections: Connections,
    running: TaskTracker,
    stop: CancellationToken,
    abort: CancellationToken,
}

impl Sessions {
    async fn accept(self, bound: Bound) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                accepted = bound.socket.accept(&self.stop) => accepted,
            };
            match accepted {
                Ok(stream) if stream.peer().is_some_and(|peer| self.gate.is_proxied(&bound.front, peer)) => {
                    self.behind_proxy(&bound.front, stream);
                }
                Ok(stream) => self.admit(&bound.front, stream),
                Err(error) => pause(&bound.front, &error).await,
            }
        }
    }

    /// Reads who it is before anything else; as long as nobody knows, it counts only in the total.
    fn behind_proxy(&self, front: &Arc<Front>, mut stream: Stream) {
        let Ok(place) = self.connections.admit(None) else {
            return self.turn_away(front, stream, Full::Total);
        };
        let (sessions, front) = (self.clone(), Arc::clone(front));
        let patience = Duration::from_secs(self.gate.proxy.timeout_seconds);
        self.running.spawn(async move {
            let proxy = stream.peer();
            let header = sessions.abort.run_until_cancelled(stream.read_proxy_header(patience)).await;
            drop(place);
            match header {
                Some(Ok(())) => sessions.admit(&front, stream),
                Some(Err(error)) => {
                    tracing::info!(listener = front.key, ?proxy, %error, "connection refused: no header of the PROXY protocol")
                }
                None => {}
            }
        });
    }

    fn refuses(&self, front: &Front, stream: &Stream) -> bool {
        let (Some(defence), Some(peer)) = (&self.gate.defence, stream.peer()) else {
            return false;
        };
        let refused = defence.refuses(peer);
        if let Some(reason) = refused {
            tracing::debug!(listener = front.key, %peer, ?reason, "connection refused");
        }
        refused.is_some()
    }

    fn admit(&self, front: &Arc<Front>, stream: Stream) {
        if self.refuses(front, &stream) {
            return;
        }
        match self.connections.admit(stream.peer()) {
            Ok(place) => {
                let (abort, front) = (self.abort.clone(), Arc::clone(front));
                let open = front.traffic.open();
                self.running.spawn(async move {
                    let _place = (place, open);
                    abort.run_until_cancelled(session(&front, stream)).await;
                });
            }
            Err(full) => {
                front.traffic.refuse();
                self.turn_away(front, stream, full);
            }
        }
    }

    /// Says that there are too many, in a task that lives for a few seconds at most; to so many at a time.
    fn turn_away(&self, front: &Arc<Front>, mut stream: Stream, full: Full) {
        tracing::info!(listener = front.key, peer = ?stream.peer(), reason = %full, "connection refused");
        // When all places are taken, a farewell for everyone would itself be a way to fill the memory.
        if front.tls.is_none()
            && full == Full::Address
            && let Some(farewell) = self.connections.farewell()
        {
            stream.write(front.busy.as_bytes());
            self.running.spawn(async move {
                stream.close().await;
                drop(farewell);
            });
        }
    }
}

/// One connection from TLS to its end. A panic ends this session alone.
async fn session(front: &Front, mut stream: Stream) {
    let peer = stream.peer();
    if let Some(tls) = &front.tls
        // On the heap: its room is not needed any more when it is done.
        && let Err(error) = Box::pin(stream.start_tls(Arc::clone(tls), HANDSHAKE_TIMEOUT)).await
    {
        tracing::debug!(listener = front.key, ?peer, %error, "TLS handshake failed");
        return;
    }
    if let Err(panic) = AssertUnwindSafe((front.door)(stream)).catch_unwind().await {
        tracing::error!(
            listener = front.key,
            ?peer,
            panic = said(&*panic),
            "a session ended by a fault of ours"
        );
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "(no message)",
    }
}

/// After an error of accept: where descriptors or memory are short, more tries at once would only burn the processor.
async fn pause(front: &Front, error: &io::Error) {
    use rustix::io::Errno;
    let short = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    if short.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
        tracing::warn!(listener = front.key, %error, "cannot accept a connection");
        tokio::time::sleep(Duration::from_millis(100)).await;
    } else {
        // Most often the peer was gone before we came (ECONNABORTED).
        tracing::debug!(listener = front.key, %error, "cannot accept a connection");
        tokio::task::yield_now().await;
    }
}
