//! The listeners: whether they answer, and if nothing does, whether they could.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::{Area, Finding};
use crate::config::Config;
use crate::server::bind::Sockets;

/// How long a listener of this machine may take to answer, and one elsewhere.
const PATIENCE: Duration = Duration::from_secs(5);
const PATIENCE_ELSEWHERE: Duration = Duration::from_secs(15);

pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let listeners = config.listen.each();
    let each = listeners
        .iter()
        .flat_map(|(name, addresses)| addresses.iter().map(move |address| look(name, address, greeting(name))));
    join_all(each).await
}

/// How what listens there greets; nothing where the client speaks first.
fn greeting(listener: &str) -> Option<&'static [u8]> {
    match listener {
        "smtp" | "submission" | "lmtp" => Some(b"220 "),
        "imap" => Some(b"* "),
        "pop3" => Some(b"+OK"),
        "managesieve" => Some(b"\"IMPLEMENTATION\""),
        _ => None,
    }
}

async fn look(name: &str, address: &str, greeting: Option<&'static [u8]>) -> Finding {
    let subject = format!("listen.{name} {address}");
    if address.contains('/') {
        return match timeout(PATIENCE, UnixStream::connect(address)).await {
            Ok(Ok(_)) => Finding::fine(Area::Ports, format!("{subject} answers")),
            _ => silent(&subject),
        };
    }
    if address.starts_with("systemd:") {
        return Finding::unknown(Area::Ports, format!("{subject}: systemd listens there"));
    }
    let Ok(parsed) = address.parse::<SocketAddr>() else {
        return Finding::wrong(Area::Ports, format!("{subject} is no address"), "correct it");
    };
    if parsed.port() == 0 {
        return Finding::unknown(Area::Ports, format!("{subject}: the port is picked at the start"));
    }
    match timeout(PATIENCE, TcpStream::connect(near(parsed))).await {
        Ok(Ok(stream)) => heard(&subject, stream, greeting).await,
        _ => match Sockets::default().tcp("listen", address) {
            Ok(_) => silent(&subject),
            Err(error) => Finding::wrong(Area::Ports, format!("{name}: {error}"), "without it nobody comes in there"),
        },
    }
}

/// What a client of this machine connects to.
fn near(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

async fn heard(subject: &str, mut stream: TcpStream, greeting: Option<&'static [u8]>) -> Finding {
    let Some(expected) = greeting else {
        return Finding::fine(Area::Ports, format!("{subject} answers"));
    };
    let mut said = vec![0; expected.len()];
    match timeout(PATIENCE, stream.read_exact(&mut said)).await {
        Ok(Ok(_)) if said == expected => {
            // So that the log of the server does not complain of who hangs up.
            _ = stream.shutdown().await;
            Finding::fine(Area::Ports, format!("{subject} answers"))
        }
        _ => Finding::wrong(
            Area::Ports,
            format!("{subject}: something listens there that does not greet as this server does"),
            "another program has the port, or the server hangs: ss -ltnp shows which",
        ),
    }
}

fn silent(subject: &str) -> Finding {
    Finding::doubtful(
        Area::Ports,
        format!("{subject}: nothing listens there, though it could"),
        "start the server with this configuration",
    )
}

/// Whether a server elsewhere greets us: many networks let nobody out to port 25.
pub(super) async fn reach(host: &str, port: u16) -> Finding {
    let greeted = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        let mut said = [0; 3];
        stream.read_exact(&mut said).await?;
        _ = stream.write_all(b"QUIT\r\n").await;
        Ok::<_, std::io::Error>(said)
    };
    let advice = "ask your provider to open port 25, or send through a smarthost (outbound.smarthost)";
    match timeout(PATIENCE_ELSEWHERE, greeted).await {
        Ok(Ok([b'2', b'2', b'0'])) => Finding::fine(Area::WayOut, format!("{host} greets on port {port}")),
        Ok(Ok(said)) => Finding::doubtful(
            Area::WayOut,
            format!("{host} greets with {} on port {port}", String::from_utf8_lossy(&said)),
            "it may not like the address of this server: see the block lists and reverse DNS",
        ),
        Ok(Err(error)) => Finding::wrong(Area::WayOut, format!("{host} is not reached on port {port}: {error}"), advice),
        Err(_) => Finding::wrong(Area::WayOut, format!("{host} does not answer on port {port}"), advice),
    }
}
