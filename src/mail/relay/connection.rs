//! A connection to another server: octets out, replies in, each with its time limit; TLS on top when asked.
//!
//! RFC 5321 §4.5.3.2 (time limits), RFC 3207 §4 (STARTTLS).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::FutureExt;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::wire::smtp::reply::{BadReply, Parser, Reply};
use crate::wire::tls::session_name;

/// How much is read at a time.
const READ_SIZE: usize = 4096;

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("no answer within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    #[error("the other side closed the connection")]
    Closed,
    #[error("{0}")]
    Failed(#[source] std::io::Error),
    #[error("{0}")]
    BadReply(#[from] BadReply),
    #[error("something came before TLS began that must not be there")]
    TooEarly,
}

impl From<std::io::Error> for Broken {
    /// Over TLS, a connection that is closed without a farewell is an error, which nobody need be told in other words.
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Failed(error),
        }
    }
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Io for T {}

/// A connection, in clear or with TLS.
pub(super) struct Connection {
    stream: Box<dyn Io>,
    input: BytesMut,
    parser: Parser,
    patience: Duration,
    /// Our address.
    local: Option<IpAddr>,
    /// TLS version and cipher, once there is TLS.
    tls: Option<String>,
}

impl Connection {
    /// Connects within `to_connect`, from `source` if one is named; later each reply and each write may take `patience`.
    pub(super) async fn open(
        source: Option<IpAddr>,
        address: SocketAddr,
        to_connect: Duration,
        patience: Duration,
    ) -> Result<Self, Broken> {
        let stream = within(to_connect, connect(source, address)).await?;
        // Commands are written whole, so waiting for more gains nothing.
        stream.set_nodelay(true)?;
        Ok(Self {
            local: stream.local_addr().ok().map(|address| address.ip()),
            stream: Box::new(stream),
            input: BytesMut::new(),
            parser: Parser::default(),
            patience,
            tls: None,
        })
    }

    /// Puts TLS on the connection.
    pub(super) async fn with_tls(self, connector: &TlsConnector, name: ServerName<'static>) -> Result<Self, Broken> {
        // What somebody slipped in before TLS must not be taken for the server's word (RFC 3207 §6).
        if !self.input.is_empty() {
            return Err(Broken::TooEarly);
        }
        let stream = within(self.patience, connector.connect(name, self.stream)).await?;
        let (_, session) = stream.get_ref();
        let suite = session.negotiated_cipher_suite().map(|suite| suite.suite());
        let tls = session
            .protocol_version()
            .zip(suite)
            .map(|(version, suite)| session_name(version, suite));
        Ok(Self {
            stream: Box::new(stream),
            input: BytesMut::new(),
            parser: Parser::default(),
            patience: self.patience,
            local: self.local,
            // A handshake that succeeded has agreed on both.
            tls: tls.or_else(|| Some("TLS".into())),
        })
    }

    /// TLS version and cipher, if there is TLS.
    pub(super) fn tls(&self) -> Option<&str> {
        self.tls.as_deref()
    }

    /// Our address.
    pub(super) fn local(&self) -> Option<IpAddr> {
        self.local
    }

    /// How long a reply may take.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Why it is of no more use, if the other side has closed it already, as far as that has come through. Does not wait.
    pub(super) fn closed(&mut self) -> Option<Broken> {
        self.input.reserve(READ_SIZE);
        match self.stream.read_buf(&mut self.input).now_or_never()? {
            Ok(0) => Some(Broken::Closed),
            Ok(_) => None,
            Err(error) => Some(error.into()),
        }
    }

    /// Writes octets.
    pub(super) async fn send(&mut self, octets: &[u8]) -> Result<(), Broken> {
        let stream = &mut self.stream;
        within(self.patience, async {
            stream.write_all(octets).await?;
            stream.flush().await
        })
        .await
    }

    /// The next reply.
    pub(super) async fn reply(&mut self) -> Result<Reply, Broken> {
        self.reply_within(self.patience).await
    }

    /// The next reply, with a time limit of its own.
    pub(super) async fn reply_within(&mut self, limit: Duration) -> Result<Reply, Broken> {
        timeout(limit, self.read_reply()).await.unwrap_or(Err(Broken::TimedOut(limit)))
    }

    /// A command and its reply.
    pub(super) async fn exchange(&mut self, command: &str) -> Result<Reply, Broken> {
        self.send(command.as_bytes()).await?;
        self.reply().await
    }

    async fn read_reply(&mut self) -> Result<Reply, Broken> {
        loop {
            if let Some(reply) = self.parser.next(&mut self.input)? {
                return Ok(reply);
            }
            self.input.reserve(READ_SIZE);
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(Broken::Closed);
            }
        }
    }
}

async fn connect(source: Option<IpAddr>, address: SocketAddr) -> std::io::Result<TcpStream> {
    let Some(source) = source else {
        return TcpStream::connect(address).await;
    };
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(address).await
}

async fn within<T>(limit: Duration, work: impl Future<Output = std::io::Result<T>>) -> Result<T, Broken> {
    match timeout(limit, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Broken::TimedOut(limit)),
    }
}
