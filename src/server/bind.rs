//! Binding an address, with errors that tell the operator what to do.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream as BlockingUnixStream;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

use super::stream::Stream;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Why an address cannot be listened on: one line for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{key}: cannot listen on {address}: {problem}")]
pub struct BindError {
    key: &'static str,
    address: String,
    problem: String,
}

/// What an address begins with that systemd listens on for us; its name follows (`FileDescriptorName=` in the socket unit).
const SYSTEMD: &str = "systemd:";

/// TCP sockets that are bound before anything else is done: ports below 1024 may need rights that are given up then, and systemd hands
/// over its own. What is not among them is bound when it is asked for.
#[derive(Default)]
pub struct Sockets {
    bound: Vec<(&'static str, String, TcpSocket)>,
}

type TcpSocket = std::net::TcpListener;

impl Sockets {
    /// Binds all addresses of these configuration keys but those of Unix sockets. To be called once, and before any thread changes the
    /// environment: it has the sockets that systemd passed (sd_listen_fds(3)).
    pub fn bind(listen: &[(&'static str, &[String])]) -> Result<Self, BindError> {
        let mut passed = passed();
        let mut bound = Vec::new();
        for (key, addresses) in listen {
            for address in addresses.iter().filter(|address| !address.contains('/')) {
                let socket = match address.strip_prefix(SYSTEMD) {
                    Some(name) => inherit(&mut passed, name).map_err(|problem| wrong(key, address, problem))?,
                    None => tcp(key, address)?,
                };
                bound.push((*key, address.clone(), socket));
            }
        }
        for (name, _) in passed {
            tracing::warn!(name, "systemd passed a socket that no key of [listen] names");
        }
        Ok(Self { bound })
    }

    /// The socket of an address that the configuration key has.
    pub fn tcp(&mut self, key: &'static str, address: &str) -> Result<TcpSocket, BindError> {
        let at = self.bound.iter().position(|(known, text, _)| *known == key && text == address);
        match at {
            Some(at) => Ok(self.bound.swap_remove(at).2),
            None => tcp(key, address),
        }
    }
}

/// The sockets that systemd passed, with their names.
fn passed() -> Vec<(String, TcpSocket)> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut sockets = listenfd::ListenFd::from_env();
    let mut passed = Vec::new();
    for at in 0..sockets.len() {
        let name = names.next().unwrap_or_default().to_owned();
        match sockets.take_tcp_listener(at) {
            Ok(Some(socket)) => passed.push((name, socket)),
            Ok(None) => {}
            Err(error) => tracing::warn!(name, %error, "systemd passed what is no TCP socket"),
        }
    }
    passed
}

fn inherit(passed: &mut Vec<(String, TcpSocket)>, name: &str) -> Result<TcpSocket, String> {
    let at = passed.iter().position(|(known, _)| known == name);
    let missing = "systemd passed no socket of this name; right would be a socket unit with FileDescriptorName=";
    let (_, socket) = passed.swap_remove(at.ok_or_else(|| format!("{missing}{name}"))?);
    socket.set_nonblocking(true).map_err(|error| error.to_string())?;
    Ok(socket)
}

/// A bound socket.
pub(super) enum Socket {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, SocketFile),
}

/// The file of a Unix socket, removed when the listener ends.
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(path = %self.0.display(), %error, "cannot remove the socket");
        }
    }
}

impl Socket {
    /// The actual address: with the port that the system picked, or the path.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Tcp(_, address) => address.to_string(),
            Self::Unix(_, file) => file.0.display().to_string(),
        }
    }

    /// The next connection.
    pub(super) async fn accept(&self, stop: &CancellationToken) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener, _) => Stream::tcp(listener.accept().await?.0, stop.clone()),
            Self::Unix(listener, _) => Ok(Stream::unix(listener.accept().await?.0, stop.clone())),
        }
    }
}

/// Binds `address:port`, or a path with a `/`, for the configuration key.
pub(super) fn socket(key: &'static str, address: &str, sockets: &mut Sockets) -> Result<Socket, BindError> {
    if address.contains('/') {
        let error = |problem| wrong(key, address, problem);
        let (listener, file) = unix(Path::new(address)).map_err(error)?;
        return Ok(Socket::Unix(listener, file));
    }
    let bound = sockets.tcp(key, address)?;
    let error = |error: io::Error| wrong(key, address, error.to_string());
    let actual = bound.local_addr().map_err(error)?;
    Ok(Socket::Tcp(TcpListener::from_std(bound).map_err(error)?, actual))
}

/// Binds `address:port` for the configuration key, non-blocking.
fn tcp(key: &'static str, address: &str) -> Result<std::net::TcpListener, BindError> {
    let parsed: SocketAddr = address.parse().map_err(|_| {
        wrong(
            key,
            address,
            "this is no address; right would be '127.0.0.1:2525', '[::]:25' or a path".into(),
        )
    })?;
    listen(parsed).map_err(|error| wrong(key, address, advice(&error)))
}

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // So that '0.0.0.0:25' and '[::]:25' can stand side by side, whatever the system's default is.
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn unix(path: &Path) -> Result<(UnixListener, SocketFile), String> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket {
        // Somebody serves there, or a server that was killed left it behind.
        if BlockingUnixStream::connect(path).is_ok() {
            return Err(advice(&io::ErrorKind::AddrInUse.into()));
        }
        std::fs::remove_file(path).map_err(|error| advice(&error))?;
    }
    let listener = UnixListener::bind(path).map_err(|error| advice(&error))?;
    Ok((listener, SocketFile(path.to_owned())))
}

fn wrong(key: &'static str, address: &str, problem: String) -> BindError {
    BindError {
        key,
        address: address.to_owned(),
        problem,
    }
}

fn advice(error: &io::Error) -> String {
    let what_to_do = match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there; stop it or choose another port",
        io::ErrorKind::PermissionDenied => "not permitted; ports below 1024 need CAP_NET_BIND_SERVICE, a path needs a writable directory",
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; choose one of its own or 0.0.0.0",
        io::ErrorKind::NotFound => "the directory is not there; make it first",
        _ => return error.to_string(),
    };
    what_to_do.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn errors_name_key_address_and_remedy() {
        let taken = tcp("listen.imap", "127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        for (address, says) in [
            (address.as_str(), "another program listens there"),
            ("192.0.2.1:0", "no such address"),
            ("localhost", "this is no address"),
            ("/nowhere/at/all.sock", "the directory is not there"),
        ] {
            let error = socket("listen.imap", address, &mut Sockets::default()).err().unwrap().to_string();
            assert!(error.starts_with(&format!("listen.imap: cannot listen on {address}: ")), "{error}");
            assert!(error.contains(says), "{error}");
        }
    }

    #[tokio::test]
    async fn what_was_bound_before_is_handed_out_once() {
        let addresses = ["127.0.0.1:0".to_owned(), "/a/path".to_owned()];
        let mut sockets = Sockets::bind(&[("listen.smtp", &addresses), ("listen.imap", &addresses[..1])]).unwrap();
        let bound: Vec<_> = sockets.bound.iter().map(|(_, _, socket)| socket.local_addr().unwrap()).collect();
        let mut take = |key| sockets.tcp(key, "127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!((take("listen.imap"), take("listen.smtp")), (bound[1], bound[0]));
        assert!(!bound.contains(&take("listen.smtp")));
        let systemd = ["systemd:smtp".to_owned()];
        let error = Sockets::bind(&[("listen.smtp", &systemd)]).err().unwrap().to_string();
        assert!(error.contains("FileDescriptorName=smtp"), "{error}");
    }

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_a_served_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lmtp");
        let address = path.display().to_string();
        // A listener that is dropped without removing its file, as after a kill.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let serving = socket("listen.lmtp", &address, &mut Sockets::default()).unwrap();
        assert!(socket("listen.lmtp", &address, &mut Sockets::default()).is_err());
        drop(serving);
        assert!(!path.exists());
    }
}
