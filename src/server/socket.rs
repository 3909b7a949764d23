//! The kinds of socket behind a [`super::stream::Stream`], as one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use super::deflate::Deflate;

/// A socket without TLS.
pub(super) enum Plain {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A socket with or without TLS.
pub(super) enum Socket {
    Plain(Plain),
    Tls(Box<TlsStream<Plain>>),
    /// One of the others, compressed.
    Deflate(Box<Deflate<Socket>>),
    /// A handshake failed.
    Closed,
}

impl Socket {
    /// The TLS session, if there is one.
    pub(super) fn tls(&self) -> Option<&TlsStream<Plain>> {
        match self {
            Self::Tls(tls) => Some(tls),
            Self::Deflate(deflate) => deflate.inner().tls(),
            Self::Plain(_) | Self::Closed => None,
        }
    }
}

fn not_open<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl AsyncRead for Plain {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_read(context, into),
            Self::Unix(socket) => Pin::new(socket).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Plain {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_write(context, octets),
            Self::Unix(socket) => Pin::new(socket).poll_write(context, octets),
        }
    }
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_flush(context),
            Self::Unix(socket) => Pin::new(socket).poll_flush(context),
        }
    }
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_shutdown(context),
            Self::Unix(socket) => Pin::new(socket).poll_shutdown(context),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(context, into),
            Self::Tls(socket) => Pin::new(socket).poll_read(context, into),
            Self::Deflate(socket) => Pin::new(socket).poll_read(context, into),
            Self::Closed => not_open(),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(context, octets),
            Self::Tls(socket) => Pin::new(socket).poll_write(context, octets),
            Self::Deflate(socket) => Pin::new(socket).poll_write(context, octets),
            Self::Closed => not_open(),
        }
    }
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(context),
            Self::Tls(socket) => Pin::new(socket).poll_flush(context),
            Self::Deflate(socket) => Pin::new(socket).poll_flush(context),
            Self::Closed => not_open(),
        }
    }
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Self::Tls(socket) => Pin::new(socket).poll_shutdown(context),
            Self::Deflate(socket) => Pin::new(socket).poll_shutdown(context),
            Self::Closed => not_open(),
        }
    }
}
