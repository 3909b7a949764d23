//! Programs beside the server that it speaks to over a socket, such as clamd and milters: where they are, and the way to them.

use std::fmt;
use std::io;
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Where such a program listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Neighbour {
    /// A socket with a path.
    Unix(PathBuf),
    /// A host and a port.
    Tcp(String),
}

/// A connection to one.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Connection for T {}

impl Neighbour {
    /// Reads an address of the configuration: a path begins with a slash.
    pub(super) fn parse(text: &str) -> Self {
        if text.starts_with('/') {
            Self::Unix(text.into())
        } else {
            Self::Tcp(text.to_owned())
        }
    }

    /// Connects. How long that may take is the caller's to say.
    pub(super) async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        Ok(match self {
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                // What is written waits for an answer.
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        })
    }
}

impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(address) => f.write_str(address),
        }
    }
}
