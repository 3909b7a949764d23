//! A connection: TCP, TLS or a Unix socket, with a read buffer that the protocols parse from, and a write buffer.
//!
//! An idle connection holds next to nothing: octets are read through a buffer on the stack, and the buffers of the
//! connection are given back while it waits.

use std::future::{pending, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::deflate::Deflate;
use super::socket::{Plain, Socket};
use crate::mail::directory::Visit;
use crate::model::login::Protocol;
use crate::wire::proxy::{self, Progress, Source};
use crate::wire::tls::session_name;

/// How long a TLS handshake may take.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the peer may take nothing of what is sent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(300);

/// How long the farewell may take, and then the wait for the peer to close.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(5);
const LINGER: Duration = Duration::from_millis(500);

/// How much is read at a time, on the stack.
const READ_SIZE: usize = 16 * 1024;

/// Above this, `flush_if_large` sends.
const LARGE: usize = 64 * 1024;

/// An empty buffer with more room than this is given back.
const KEPT_CAPACITY: usize = 1024;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum Gone {
    /// The peer closed it.
    #[error("closed by the peer")]
    Closed,
    /// The peer said nothing, or took nothing, for too long.
    #[error("timed out")]
    TimedOut,
    /// The server is stopping: say goodbye.
    #[error("the server is stopping")]
    Stopping,
    /// The login is over: say goodbye.
    #[error("the account was changed")]
    Ended,
    /// What the client knows of its mailbox cannot be mended: say goodbye.
    #[error("messages came before others that the client knows")]
    Overtaken,
    /// The system said so.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A connection. Reads answer `Gone::Stopping` once the server stops and no octet is buffered.
pub struct Stream {
    socket: Socket,
    peer: Option<IpAddr>,
    stop: CancellationToken,
    end: Option<CancellationToken>,
    input: BytesMut,
    output: BytesMut,
    /// Whether `readable` read octets that no `fill` has answered for.
    unanswered: bool,
    /// Whether octets were given to the socket that it may still hold.
    unflushed: bool,
}

impl Stream {
    /// A connection over TCP. It learns from `stop` that the server stops.
    pub fn tcp(socket: TcpStream, stop: CancellationToken) -> io::Result<Self> {
        // Replies are small and are sent when the peer waits for them: Nagle's algorithm would only delay them.
        socket.set_nodelay(true)?;
        let peer = socket.peer_addr()?.ip().to_canonical();
        Ok(Self::new(Plain::Tcp(socket), Some(peer), stop))
    }

    /// A connection over a Unix socket.
    pub fn unix(socket: UnixStream, stop: CancellationToken) -> Self {
        Self::new(Plain::Unix(socket), None, stop)
    }

    fn new(socket: Plain, peer: Option<IpAddr>, stop: CancellationToken) -> Self {
        Self {
            socket: Socket::Plain(socket),
            peer,
            stop,
            end: None,
            input: BytesMut::new(),
            output: BytesMut::new(),
            unanswered: false,
            unflushed: false,
        }
    }

    /// From now on waits between commands answer `Gone::Ended` once the token is cancelled.
    pub fn ends_with(&mut self, end: impl Into<Option<CancellationToken>>) {
        self.end = end.into();
    }

    /// The peer's address; none for a Unix socket.
    pub fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// Reads the header of the PROXY protocol with which the connection begins, and not an octet more: from now on the peer is whom it
    /// names. Nothing may have been read before. After an error the connection is of no use.
    pub async fn read_proxy_header(&mut self, limit: Duration) -> Result<(), Gone> {
        let mut header = Vec::new();
        let read = async {
            loop {
                match proxy::parse(&header) {
                    Ok(Progress::Needs(octets)) => self.read_exactly(octets, &mut header).await?,
                    Ok(Progress::Done(source)) => return Ok(source),
                    Err(bad) => return Err(io::Error::new(io::ErrorKind::InvalidData, bad).into()),
                }
            }
        };
        let source: Result<Source, Gone> = timeout(limit, read).await.map_err(|_| Gone::TimedOut)?;
        if let Source::Client(address) = source? {
            self.peer = Some(address.ip().to_canonical());
        }
        Ok(())
    }

    /// Reads so many octets past the buffer.
    async fn read_exactly(&mut self, octets: usize, into: &mut Vec<u8>) -> Result<(), Gone> {
        let mut room = vec![0; octets];
        let mut read = ReadBuf::new(&mut room);
        while read.remaining() > 0 {
            let before = read.filled().len();
            poll_fn(|context| Pin::new(&mut self.socket).poll_read(context, &mut read))
                .await
                .map_err(gone)?;
            if read.filled().len() == before {
                return Err(Gone::Closed);
            }
        }
        into.extend_from_slice(read.filled());
        Ok(())
    }

    /// How the client comes to log in.
    pub(super) fn visit(&self, protocol: Protocol) -> Visit {
        Visit { protocol, from: self.peer }
    }

    /// Whether TLS is on.
    pub fn is_tls(&self) -> bool {
        self.socket.tls().is_some()
    }

    /// Whether it is compressed.
    pub fn is_compressed(&self) -> bool {
        matches!(self.socket, Socket::Deflate(_))
    }

    /// TLS version and cipher for the Received line, such as `TLS1.3 TLS_AES_256_GCM_SHA384`.
    pub fn tls_description(&self) -> Option<String> {
        let (_, session) = self.socket.tls()?.get_ref();
        let suite = session.negotiated_cipher_suite()?.suite();
        Some(session_name(session.protocol_version()?, suite))
    }

    /// What both sides of the connection can name it by (RFC 9266 §2). None without TLS; nor with TLS 1.2, where only some
    /// handshakes make the name unique (RFC 9266 §4.1).
    pub fn exporter(&self) -> Option<[u8; 32]> {
        let (_, session) = self.socket.tls()?.get_ref();
        if session.protocol_version() != Some(rustls::ProtocolVersion::TLSv1_3) {
            return None;
        }
        session.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[])).ok()
    }

    /// Does the TLS handshake as the server; the output is sent first. Octets that came before it are thrown away
    /// (STARTTLS injection, RFC 3207 §4.2): an error when there were any. After an error the connection is of no use.
    pub async fn start_tls(&mut self, config: Arc<rustls::ServerConfig>, limit: Duration) -> Result<(), Gone> {
        self.flush().await?;
        let injected = !self.input.is_empty();
        self.input = BytesMut::new();
        self.unanswered = false;
        if injected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "there were octets between STARTTLS and the handshake").into());
        }
        let plain = match std::mem::replace(&mut self.socket, Socket::Closed) {
            Socket::Plain(plain) => plain,
            Socket::Tls(_) | Socket::Deflate(_) | Socket::Closed => return Err(io::Error::other("TLS is on already").into()),
        };
        let handshake = timeout(limit, TlsAcceptor::from(config).accept(plain));
        self.socket = Socket::Tls(Box::new(handshake.await.map_err(|_| Gone::TimedOut)?.map_err(gone)?));
        Ok(())
    }

    /// From here on octets are compressed both ways; the output is sent first. After an error the connection is of no use.
    pub async fn compress(&mut self) -> Result<(), Gone> {
        self.flush().await?;
        if !self.input.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "there were octets before the connection was compressed").into());
        }
        self.unanswered = false;
        let socket = std::mem::replace(&mut self.socket, Socket::Closed);
        self.socket = Socket::Deflate(Box::new(Deflate::new(socket)));
        Ok(())
    }

    /// The octets read and not yet consumed; the protocol takes off what it has parsed.
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Reads more octets into `input` (at most 64 KiB at a time); flushes the output first.
    /// For the wait between commands: answers `Gone::Stopping` once the server stops and `input` is empty.
    pub async fn fill(&mut self, limit: Duration) -> Result<(), Gone> {
        self.flush().await?;
        timeout(limit, self.readable()).await.map_err(|_| Gone::TimedOut)??;
        self.unanswered = false;
        Ok(())
    }

    /// Like [`Stream::fill`], but in the middle of something that a stopping server lets finish, such as a message:
    /// never answers `Gone::Stopping`.
    pub async fn fill_unfinished(&mut self, limit: Duration) -> Result<(), Gone> {
        self.flush().await?;
        timeout(limit, self.read_more()).await.map_err(|_| Gone::TimedOut)??;
        self.unanswered = false;
        Ok(())
    }

    /// Resolves when the next `fill` will not wait: octets came (they are in `input` already), the peer closed, or the
    /// server stops. For IDLE, beside a watch: it may be dropped at any moment without losing an octet.
    pub async fn readable(&mut self) -> Result<(), Gone> {
        if !self.input.is_empty() {
            return self.read_more().await;
        }
        let (stop, end) = (self.stop.clone(), self.end.clone());
        let ended = async {
            match &end {
                Some(end) => end.cancelled().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Gone::Stopping),
            () = ended => Err(Gone::Ended),
            read = self.read_more() => read,
        }
    }

    async fn read_more(&mut self) -> Result<(), Gone> {
        if self.unanswered {
            return Ok(());
        }
        poll_fn(|context| self.poll_read_more(context)).await
    }

    fn poll_read_more(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        let mut room = [MaybeUninit::<u8>::uninit(); READ_SIZE];
        let mut read = ReadBuf::uninit(&mut room);
        let polled = Pin::new(&mut self.socket).poll_read(context, &mut read);
        if polled.is_pending() && self.input.is_empty() && self.input.capacity() > KEPT_CAPACITY {
            self.input = BytesMut::new();
        }
        ready!(polled).map_err(gone)?;
        if read.filled().is_empty() {
            return Poll::Ready(Err(Gone::Closed));
        }
        self.input.extend_from_slice(read.filled());
        self.unanswered = true;
        Poll::Ready(Ok(()))
    }

    /// Puts octets into the write buffer. Call `flush_if_large` while streaming.
    pub fn write(&mut self, octets: &[u8]) {
        self.output.extend_from_slice(octets);
    }

    /// Sends the write buffer if it is over 64 KiB.
    pub async fn flush_if_large(&mut self) -> Result<(), Gone> {
        if self.output.len() < LARGE {
            return Ok(());
        }
        self.flush().await
    }

    /// Sends the write buffer. It may be dropped at any moment; what was not sent stays in the buffer.
    pub async fn flush(&mut self) -> Result<(), Gone> {
        if self.output.is_empty() && !self.unflushed {
            return Ok(());
        }
        while !self.output.is_empty() {
            let write = poll_fn(|context| Pin::new(&mut self.socket).poll_write(context, &self.output));
            let written = timeout(WRITE_TIMEOUT, write).await.map_err(|_| Gone::TimedOut)?.map_err(gone)?;
            if written == 0 {
                return Err(Gone::Closed);
            }
            self.output.advance(written);
            self.unflushed = true;
        }
        if self.output.capacity() > KEPT_CAPACITY {
            self.output = BytesMut::new();
        }
        let flush = poll_fn(|context| Pin::new(&mut self.socket).poll_flush(context));
        timeout(WRITE_TIMEOUT, flush).await.map_err(|_| Gone::TimedOut)?.map_err(gone)?;
        self.unflushed = false;
        Ok(())
    }

    /// Sends what is left and closes. Then waits a moment for the peer to close too: the system would answer octets that
    /// nobody read with a reset, which can take the farewell away from the peer.
    pub async fn close(mut self) {
        let farewell = async {
            self.flush().await?;
            poll_fn(|context| Pin::new(&mut self.socket).poll_shutdown(context)).await?;
            Ok::<(), Gone>(())
        };
        if !matches!(timeout(FAREWELL_TIMEOUT, farewell).await, Ok(Ok(()))) {
            return;
        }
        let leftovers = async {
            while poll_fn(|context| self.poll_read_more(context)).await.is_ok() {
                self.input.clear();
            }
        };
        // Too late or not: the connection is over.
        timeout(LINGER, leftovers).await.unwrap_or_default();
    }
}

/// A peer that ends without TLS's close_notify, or with a reset, has closed: no fault of ours.
fn gone(error: io::Error) -> Gone {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Gone::Closed,
        _ => Gone::Io(error),
    }
}
