//! Listener and stream together, over loopback, with a door that echoes lines.

use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use futures_util::FutureExt;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;

use super::bind::Sockets;
use super::listener::{Door, Gate, Listeners, Service, Serving};
use super::stream::{Gone, HANDSHAKE_TIMEOUT, Stream};
use crate::config::{Limits, Tls};
use crate::mail::certificates::Certificates;
use crate::model::clock::Clock;

const PATIENCE: Duration = Duration::from_secs(20);

/// Echoes lines; `tls` begins TLS, `panic` panics, `work` waits for one more octet whether the server stops or not.
async fn echo(mut stream: Stream, tls: Arc<rustls::ServerConfig>) {
    stream.write(format!("hello {}\n", stream.tls_description().unwrap_or_default()).as_bytes());
    loop {
        while let Some(end) = memchr::memchr(b'\n', stream.input()) {
            let line = stream.input().split_to(end);
            stream.input().advance(1);
            match &*line {
                b"panic" => panic!("as asked"),
                b"tls" => match stream.start_tls(Arc::clone(&tls), HANDSHAKE_TIMEOUT).await {
                    Ok(()) => stream.write(b"hello again\n"),
                    Err(_) => return,
                },
                b"work" => {
                    stream.write(b"working\n");
                    stream.fill_unfinished(PATIENCE).await.unwrap();
                    stream.write(b"done\n");
                }
                line => stream.write(&[line, b"\n"].concat()),
            }
        }
        match stream.fill(PATIENCE).await {
            Ok(()) => {}
            Err(Gone::Stopping) => {
                stream.write(b"bye\n");
                return stream.close().await;
            }
            Err(_) => return,
        }
    }
}

/// A server with a listener without TLS, one with TLS, and one on a Unix socket.
struct House {
    serving: Serving,
    stop: CancellationToken,
    addresses: Vec<String>,
    dir: tempfile::TempDir,
}

fn house(limits: Limits) -> House {
    let dir = tempfile::tempdir().unwrap();
    let certificates = Certificates::new(Tls::default(), dir.path().to_owned(), "localhost".into(), Clock::System);
    certificates.load().unwrap();
    let tls = certificates.server_config().unwrap();
    let for_door = Arc::clone(&tls);
    let door: Door = Arc::new(move |stream| echo(stream, Arc::clone(&for_door)).boxed());
    let service = |key, address: String, tls| Service {
        key,
        addresses: vec![address],
        tls,
        busy: "too many\r\n",
        door: Arc::clone(&door),
    };
    let services = vec![
        service("listen.smtp", "127.0.0.1:0".into(), None),
        service("listen.submissions", "127.0.0.1:0".into(), Some(tls)),
        service("listen.lmtp", dir.path().join("lmtp").display().to_string(), None),
    ];
    let listeners = Listeners::bind(services, &mut Sockets::default()).unwrap();
    let addresses = listeners.addresses().map(|(_, address)| address.to_owned()).collect();
    let stop = CancellationToken::new();
    let gate = Gate { limits, ..Gate::default() };
    let serving = listeners.serve(gate, stop.clone());
    House {
        serving,
        stop,
        addresses,
        dir,
    }
}

async fn expect<S: AsyncReadExt + Unpin>(socket: &mut S, text: &str) {
    let mut got = vec![0; text.len()];
    tokio::time::timeout(PATIENCE, socket.read_exact(&mut got)).await.unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&got), text);
}

async fn say<S: AsyncWriteExt + Unpin>(socket: &mut S, text: &str) {
    socket.write_all(text.as_bytes()).await.unwrap();
}

async fn expect_end<S: AsyncReadExt + Unpin>(socket: &mut S) {
    let mut rest = Vec::new();
    // A reset is an end too.
    let ended = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut rest)).await;
    assert!(ended.is_ok() && rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
}

fn client_tls(house: &House) -> tokio_rustls::TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    let certificate = house.dir.path().join("tls/certificate.pem");
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config).into()
}

#[tokio::test]
async fn plain_unix_and_tls_connections_are_served() {
    let house = house(Limits::default());
    let mut plain = TcpStream::connect(&house.addresses[0]).await.unwrap();
    expect(&mut plain, "hello \n").await;
    let long = format!("{}\n", "x".repeat(200_000));
    say(&mut plain, &long).await;
    expect(&mut plain, &long).await;

    let mut unix = UnixStream::connect(&house.addresses[2]).await.unwrap();
    say(&mut unix, "one\ntwo\n").await;
    expect(&mut unix, "hello \none\ntwo\n").await;

    let name = ServerName::try_from("localhost").unwrap();
    let raw = TcpStream::connect(&house.addresses[1]).await.unwrap();
    let mut implicit = client_tls(&house).connect(name.clone(), raw).await.unwrap();
    expect(&mut implicit, "hello TLS1.3 TLS_").await;

    say(&mut plain, "tls\n").await;
    let mut upgraded = client_tls(&house).connect(name, plain).await.unwrap();
    expect(&mut upgraded, "hello again\n").await;
    say(&mut upgraded, "over TLS\n").await;
    expect(&mut upgraded, "over TLS\n").await;
}

#[tokio::test]
async fn octets_between_starttls_and_the_handshake_end_the_connection() {
    let house = house(Limits::default());
    let mut socket = TcpStream::connect(&house.addresses[0]).await.unwrap();
    expect(&mut socket, "hello \n").await;
    say(&mut socket, "tls\ninjected\n").await;
    expect_end(&mut socket).await;
}

#[tokio::test]
async fn a_panic_ends_one_session_and_one_connection_too_many_is_told() {
    let house = house(Limits {
        max_connections_per_address: 1,
        ..Limits::default()
    });
    let mut first = TcpStream::connect(&house.addresses[0]).await.unwrap();
    expect(&mut first, "hello \n").await;
    let mut second = TcpStream::connect(&house.addresses[0]).await.unwrap();
    expect(&mut second, "too many\r\n").await;
    expect_end(&mut second).await;
    say(&mut first, "panic\n").await;
    expect_end(&mut first).await;
    // The place is free again once the session is gone, which may be a moment after the socket.
    let answered = async {
        loop {
            let mut third = TcpStream::connect(&house.addresses[0]).await.unwrap();
            let mut octet = [0; 1];
            third.read_exact(&mut octet).await.unwrap();
            if octet == *b"h" {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.unwrap();
}

#[tokio::test]
async fn a_stop_lets_work_finish_and_says_goodbye() {
    let house = house(Limits::default());
    let mut idle = TcpStream::connect(&house.addresses[0]).await.unwrap();
    expect(&mut idle, "hello \n").await;
    let mut busy = TcpStream::connect(&house.addresses[0]).await.unwrap();
    say(&mut busy, "work\n").await;
    expect(&mut busy, "hello \nworking\n").await;
    house.stop.cancel();
    expect(&mut idle, "bye\n").await;
    say(&mut busy, "\n").await;
    expect(&mut busy, "done\n\nbye\n").await;
    drop((idle, busy));
    tokio::time::timeout(PATIENCE, house.serving.finish()).await.unwrap();
    assert!(TcpStream::connect(&house.addresses[0]).await.is_err());
    assert!(!house.dir.path().join("lmtp").exists());
}

#[tokio::test]
async fn sessions_that_do_not_finish_are_ended() {
    let house = house(Limits {
        shutdown_seconds: 0,
        ..Limits::default()
    });
    let mut busy = TcpStream::connect(&house.addresses[0]).await.unwrap();
    say(&mut busy, "work\n").await;
    expect(&mut busy, "hello \nworking\n").await;
    tokio::time::timeout(PATIENCE, house.serving.finish()).await.unwrap();
    expect_end(&mut busy).await;
}
