//! Listeners: all are bound before the first connection is served, and each connection becomes a session of its own.
//!
//! `app` calls [`Listeners::bind`] with every service, then [`Listeners::serve`], and at the end [`Serving::finish`].

use std::any::Any;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bind::{self, BindError, Socket};
use super::limits::{Connections, Full};
use super::stream::{HANDSHAKE_TIMEOUT, Stream};

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
}

struct Bound {
    address: String,
    socket: Socket,
    front: Arc<Front>,
}

/// What a session keeps of its listener: not the socket, which closes when the server stops accepting.
struct Front {
    key: &'static str,
    tls: Option<Arc<rustls::ServerConfig>>,
    busy: &'static str,
    door: Door,
}

impl Listeners {
    /// Binds every address of every service, or none. Must be called in a tokio runtime.
    pub fn bind(services: Vec<Service>) -> Result<Self, BindError> {
        let mut bound = Vec::new();
        for Service {
            key,
            addresses,
            tls,
            busy,
            door,
        } in services
        {
            let front = Arc::new(Front { key, tls, busy, door });
            for address in addresses {
                let socket = bind::socket(key, &address)?;
                bound.push(Bound {
                    address: socket.address(),
                    socket,
                    front: Arc::clone(&front),
                });
            }
        }
        Ok(Self { bound })
    }

    /// The configuration key and the actual address of each listener, in the order of the services.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.bound.iter().map(|bound| (bound.front.key, bound.address.as_str()))
    }

    /// Begins to serve. Once `stop` is cancelled, nothing more is accepted and sessions hear `Gone::Stopping`.
    pub fn serve(self, limits: &crate::config::Limits, stop: CancellationToken) -> Serving {
        let sessions = Sessions {
            connections: Connections::new(limits),
            running: TaskTracker::new(),
            stop,
            abort: CancellationToken::new(),
        };
        for bound in self.bound {
            sessions.running.spawn(sessions.clone().accept(bound));
        }
        Serving {
            sessions,
            patience: Duration::from_secs(limits.shutdown_seconds),
        }
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
                Ok(stream) => self.admit(&bound.front, stream),
                Err(error) => pause(&bound.front, &error).await,
            }
        }
    }

    fn admit(&self, front: &Arc<Front>, stream: Stream) {
        match self.connections.admit(stream.peer()) {
            Ok(place) => {
                let (abort, front) = (self.abort.clone(), Arc::clone(front));
                self.running.spawn(async move {
                    let _place = place;
                    abort.run_until_cancelled(session(&front, stream)).await;
                });
            }
            Err(full) => self.turn_away(front, stream, full),
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
