//! Dialogues with scripted servers on loopback.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::model::envelope::{Notify, Ret, ReversePath};
use crate::model::secret::Secret;

/// What a scripted server does, one after the other.
enum Step {
    Say(&'static str),
    /// Expects this line.
    Hear(&'static str),
    /// Expects these octets.
    Take(&'static str),
    /// Takes the client's part in a TLS handshake.
    Tls,
    /// The same, and expects the client not to like it.
    RefusedTls,
    /// Closes, and expects another connection.
    Again,
}
use Step::{Again, Hear, RefusedTls, Say, Take, Tls};

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}
type Wire = BufReader<Box<dyn Io>>;

async fn accept(listener: &TcpListener) -> Wire {
    let stream: TcpStream = listener.accept().await.unwrap().0;
    BufReader::new(Box::new(stream))
}

async fn play(listener: TcpListener, steps: Vec<Step>) {
    let mut wire = accept(&listener).await;
    for step in steps {
        match step {
            Say(text) => wire.write_all(text.as_bytes()).await.unwrap(),
            Hear(line) => {
                let mut heard = String::new();
                wire.read_line(&mut heard).await.unwrap();
                assert_eq!(heard, format!("{line}\r\n"));
            }
            Take(text) => {
                let mut taken = vec![0; text.len()];
                wire.read_exact(&mut taken).await.unwrap();
                assert_eq!(String::from_utf8_lossy(&taken), text);
            }
            Tls => {
                let stream = acceptor().accept(wire.into_inner()).await.unwrap();
                wire = BufReader::new(Box::new(stream));
            }
            RefusedTls => {
                let refused = acceptor().accept(wire.into_inner()).await;
                assert!(refused.is_err() || refused.unwrap().read_u8().await.is_err());
                return;
            }
            Again => wire = accept(&listener).await,
        }
    }
}

fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["other.test".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A message to deliver and where it lies.
struct Letter {
    _folder: tempfile::TempDir,
    file: PathBuf,
    content: Content,
    size: u64,
    sender: Sender,
    recipients: Vec<Recipient>,
}

impl Letter {
    fn new(recipients: &[&str], content: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("letter");
        std::fs::write(&file, content).unwrap();
        Self {
            _folder: folder,
            content: Content::File(file.clone()),
            size: content.len() as u64,
            file,
            sender: Sender::plain(ReversePath::Address("ada@house.test".parse().unwrap())),
            recipients: recipients
                .iter()
                .map(|address| Recipient::plain(address.parse().unwrap()))
                .collect(),
        }
    }

    fn parcel(&self) -> Parcel<'_> {
        Parcel {
            content: &self.content,
            size: self.size,
            sender: &self.sender,
            recipients: &self.recipients,
        }
    }
}

/// A relay for which `remote.test` is served by the script; with `smarthost`, everything is.
async fn relay(steps: Vec<Step>, smarthost: bool) -> (Relay, Lane, tokio::task::JoinHandle<()>) {
    relay_with(steps, |settings| {
        if smarthost && let Some((_, route)) = settings.routes.pop_first() {
            settings.smarthost = route.server;
            settings.username = "ada".into();
            settings.password = Secret::new("secret");
        }
    })
    .await
}

/// The same with settings of one's own.
async fn relay_with(steps: Vec<Step>, change: impl FnOnce(&mut config::Outbound)) -> (Relay, Lane, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut settings = config::Outbound {
        reply_timeout_seconds: 10,
        ..config::Outbound::default()
    };
    settings.routes.insert("remote.test".into(), config::Route::to(address));
    change(&mut settings);
    let dns = Dns::open(&config::Dns {
        servers: vec!["127.0.0.1:9".into()],
        ..config::Dns::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground {
        hostname: "mail.house.test".into(),
        listeners: Vec::new(),
        dns: dns.unwrap(),
        database: Database::open(&config::Database::default(), folder.path()).await.unwrap(),
        clock: Clock::System,
    };
    let relay = Relay::new(ground, settings).unwrap();
    let lane = relay.lane(&Host::Domain("remote.test".parse().unwrap()));
    (relay, lane, tokio::spawn(play(listener, steps)))
}

/// Each settlement as kind, status and who said it.
fn shown(delivery: &Delivery) -> Vec<String> {
    let show = |settlement: &Settlement| {
        let (kind, finding) = match settlement {
            Settlement::Delivered { said, reports: true } => ("delivered+dsn", said),
            Settlement::Delivered { said, .. } => ("delivered", said),
            Settlement::Failed(finding) => ("failed", finding),
            Settlement::Deferred(finding) => ("deferred", finding),
        };
        format!("{kind} {} {}", finding.status, finding.host.as_deref().unwrap_or("-"))
    };
    delivery.settlements.iter().map(show).collect()
}

/// By whose word, and what was amiss.
fn outcomes(delivery: &Delivery) -> Vec<String> {
    let show = |outcome: &Outcome| {
        let failure = outcome.failure.map_or("fine", Failure::as_str);
        format!("{:?} {} {failure}", outcome.applied, outcome.host.as_deref().unwrap_or("-"))
    };
    delivery.outcomes.iter().map(show).collect()
}

#[tokio::test]
async fn commands_go_together_and_a_connection_carries_many_messages() {
    let script = vec![
        Say("220 mx.remote.test ESMTP\r\n"),
        Hear("EHLO mail.house.test"),
        Say("250-mx.remote.test\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250 DSN\r\n"),
        // Nothing is said before all of it has come.
        Hear("MAIL FROM:<ada@house.test> SIZE=13 RET=HDRS ENVID=e+2B1"),
        Hear("RCPT TO:<bob@remote.test> NOTIFY=NEVER"),
        Hear("RCPT TO:<eve@remote.test>"),
        Hear("DATA"),
        Say("250 2.1.0 Ok\r\n550 5.1.1 Nobody\r\n250 2.1.5 Ok\r\n354 Go\r\n"),
        Take("a: b\r\n\r\n..\r\n..x\r\n.\r\n"),
        Say("250 2.0.0 Taken\r\n"),
        // The second message needs no RSET, the third does.
        Hear("MAIL FROM:<ada@house.test> SIZE=6"),
        Hear("RCPT TO:<bob@remote.test>"),
        Hear("DATA"),
        Say("250 Ok\r\n550 no\r\n354 Go\r\n"),
        Take(".\r\n"),
        Say("554 Nobody to send to\r\n"),
        Hear("RSET"),
        Hear("MAIL FROM:<ada@house.test> SIZE=6"),
        Hear("RCPT TO:<bob@remote.test>"),
        Hear("DATA"),
        Say("250 Ok\r\n250 Ok\r\n250 Ok\r\n451 4.3.0 Not now\r\n"),
        Hear("QUIT"),
        Say("221 Bye\r\n"),
    ];
    let (relay, lane, server) = relay(script, false).await;
    let mut kept = None;
    let mut letter = Letter::new(&["bob@remote.test", "eve@remote.test"], "a: b\r\n\r\n.\r\n.x");
    letter.sender.ret = Some(Ret::Headers);
    letter.sender.envid = Some("e+1".into());
    letter.recipients[0].notify = Some(Notify {
        success: false,
        failure: false,
        delay: false,
    });
    let delivery = relay.deliver(&mut kept, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["failed 5.1.1 127.0.0.1", "delivered+dsn 2.0.0 127.0.0.1"]);
    assert!(delivery.unreachable.is_none());
    let letter = Letter::new(&["bob@remote.test"], "a: b\r\n");
    let delivery = relay.deliver(&mut kept, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["failed 5.0.0 127.0.0.1"]);
    let delivery = relay.deliver(&mut kept, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["deferred 4.3.0 127.0.0.1"]);
    kept.unwrap().quit().await;
    server.await.unwrap();
}

#[tokio::test]
async fn an_old_server_is_spoken_to_step_by_step() {
    let script = vec![
        Say("220 old\r\n"),
        Hear("EHLO mail.house.test"),
        Say("500 What?\r\n"),
        Hear("HELO mail.house.test"),
        Say("250 old\r\n"),
        Hear("MAIL FROM:<ada@house.test>"),
        Say("250 Ok\r\n"),
        Hear("RCPT TO:<bob@remote.test>"),
        Say("450 4.2.0 Greylisted\r\n"),
        Hear("RCPT TO:<eve@remote.test>"),
        Say("250 Ok\r\n"),
        Hear("DATA"),
        Say("354 Go\r\n"),
        Take("x\r\n.\r\n"),
        Say("250-Thank\r\n250 you\r\n"),
    ];
    let (relay, lane, server) = relay(script, false).await;
    let letter = Letter::new(&["bob@remote.test", "eve@remote.test"], "x");
    let delivery = relay.deliver(&mut None, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["deferred 4.2.0 127.0.0.1", "delivered 2.0.0 127.0.0.1"]);
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_that_lets_nobody_in_is_no_fault_of_the_recipient() {
    let (relay, lane, server) = relay(vec![Say("554 5.7.1 Go away\r\n")], false).await;
    let letter = Letter::new(&["bob@remote.test"], "x");
    let delivery = relay.deliver(&mut None, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["deferred 4.3.2 127.0.0.1"]);
    assert!(delivery.unreachable.is_some());
    assert_eq!(outcomes(&delivery), [""; 0]);
    server.await.unwrap();
}

#[tokio::test]
async fn tls_is_used_where_offered_whatever_the_certificate() {
    let script = vec![
        Say("220 mx\r\n"),
        Hear("EHLO mail.house.test"),
        Say("250-mx\r\n250 STARTTLS\r\n"),
        Hear("STARTTLS"),
        Say("220 Go\r\n"),
        Tls,
        Hear("EHLO mail.house.test"),
        Say("250-mx\r\n250 PIPELINING\r\n"),
        Hear("MAIL FROM:<ada@house.test>"),
        Hear("RCPT TO:<bob@remote.test>"),
        Hear("DATA"),
        Say("250 Ok\r\n250 Ok\r\n354 Go\r\n"),
        Take("x\r\n.\r\n"),
        Say("250 Ok\r\n"),
    ];
    let (relay, lane, server) = relay(script, false).await;
    let letter = Letter::new(&["bob@remote.test"], "x\r\n");
    let delivery = relay.deliver(&mut None, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["delivered 2.0.0 127.0.0.1"]);
    assert_eq!(outcomes(&delivery), ["Nobody 127.0.0.1 fine"]);
    assert_eq!(delivery.outcomes[0].from, "127.0.0.1".parse().ok());
    server.await.unwrap();
}

#[tokio::test]
async fn broken_tls_is_done_without() {
    let script = vec![
        Say("220 mx\r\n"),
        Hear("EHLO mail.house.test"),
        Say("250-mx\r\n250 STARTTLS\r\n"),
        Hear("STARTTLS"),
        Say("220 Go\r\n"),
        Say("this is no TLS\r\n"),
        Again,
        Say("220 mx\r\n"),
        Hear("EHLO mail.house.test"),
        Say("250-mx\r\n250 STARTTLS\r\n"),
        Hear("MAIL FROM:<ada@house.test>"),
        Say("550 5.7.1 Not you\r\n"),
    ];
    let (relay, lane, server) = relay(script, false).await;
    let letter = Letter::new(&["bob@remote.test"], "x\r\n");
    let delivery = relay.deliver(&mut None, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["failed 5.7.1 127.0.0.1"]);
    assert_eq!(outcomes(&delivery), ["Nobody 127.0.0.1 validation-failure"]);
    server.await.unwrap();
}

/// What the operator demands is had, or nothing is sent.
#[tokio::test]
async fn a_session_less_secure_than_demanded_is_none() {
    let without = vec![Say("220 mx\r\n"), Hear("EHLO mail.house.test"), Say("250 mx\r\n")];
    let unknown = vec![
        Say("220 mx\r\n"),
        Hear("EHLO mail.house.test"),
        Say("250-mx\r\n250 STARTTLS\r\n"),
        Hear("STARTTLS"),
        Say("220 Go\r\n"),
        RefusedTls,
    ];
    let letter = Letter::new(&["bob@remote.test"], "x\r\n");
    for (script, failure) in [(without, "starttls-not-supported"), (unknown, "certificate-not-trusted")] {
        let (relay, lane, server) = relay_with(script, |settings| {
            for route in settings.routes.values_mut() {
                route.tls = config::OutboundTls::Required;
            }
        })
        .await;
        let delivery = relay.deliver(&mut None, &lane, &letter.parcel()).await;
        assert_eq!(shown(&delivery), ["deferred 4.7.5 -"]);
        assert_eq!(outcomes(&delivery), [format!("Operator 127.0.0.1 {failure}")]);
        server.await.unwrap();
    }
}

#[tokio::test]
async fn after_the_final_dot_nobody_else_is_asked() {
    let script = vec![
        Say("220 mx\r\n"),
        Hear("EHLO mail.house.test"),
        Say("250 mx\r\n"),
        Hear("MAIL FROM:<ada@house.test>"),
        Say("250 Ok\r\n"),
        Hear("RCPT TO:<bob@remote.test>"),
        Say("250 Ok\r\n"),
        Hear("DATA"),
        Say("354 Go\r\n"),
        Take("x\r\n.\r\n"),
        Say("25"),
    ];
    let (relay, lane, server) = relay(script, false).await;
    let letter = Letter::new(&["bob@remote.test"], "x\r\n");
    let delivery = relay.deliver(&mut None, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["deferred 4.4.2 -"]);
    server.await.unwrap();
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_opened_anew() {
    let one = || {
        vec![
            Say("220 mx\r\n"),
            Hear("EHLO mail.house.test"),
            Say("250-mx\r\n250 PIPELINING\r\n"),
            Hear("MAIL FROM:<ada@house.test>"),
            Hear("RCPT TO:<bob@remote.test>"),
            Hear("DATA"),
            Say("250 Ok\r\n250 Ok\r\n354 Go\r\n"),
            Take("x\r\n.\r\n"),
            Say("250 Ok\r\n"),
        ]
    };
    let mut script = one();
    script.push(Say("421 4.3.2 Bye\r\n"));
    script.push(Again);
    script.extend(one());
    let (relay, lane, server) = relay(script, false).await;
    let letter = Letter::new(&["bob@remote.test"], "x\r\n");
    let mut kept = None;
    for _ in 0..2 {
        let delivery = relay.deliver(&mut kept, &lane, &letter.parcel()).await;
        assert_eq!(shown(&delivery), ["delivered 2.0.0 127.0.0.1"]);
    }
    server.await.unwrap();
}

#[tokio::test]
async fn what_the_server_cannot_take_is_not_sent() {
    let script = || {
        vec![
            Say("220 mx\r\n"),
            Hear("EHLO mail.house.test"),
            Say("250-mx\r\n250-SIZE 100\r\n250 8BITMIME\r\n"),
        ]
    };
    let (relay_one, lane, server) = relay(script(), false).await;
    let letter = Letter::new(&["bob@remote.test"], &"x".repeat(101));
    let delivery = relay_one.deliver(&mut None, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["failed 5.3.4 -"]);
    server.await.unwrap();
    let (relay_two, lane, server) = relay(script(), false).await;
    let letter = Letter::new(&["jürgen@remote.test"], "x");
    let delivery = relay_two.deliver(&mut None, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["failed 5.6.7 -"]);
    server.await.unwrap();
}

#[tokio::test]
async fn a_password_goes_only_over_tls() {
    let clear = vec![
        Say("220 smart\r\n"),
        Hear("EHLO mail.house.test"),
        Say("250-smart\r\n250 AUTH PLAIN LOGIN\r\n"),
    ];
    let (relay_one, lane, server) = relay(clear, true).await;
    let letter = Letter::new(&["bob@remote.test"], "x\r\n");
    let delivery = relay_one.deliver(&mut None, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["deferred 4.7.8 -"]);
    server.await.unwrap();
    let secure = vec![
        Say("220 smart\r\n"),
        Hear("EHLO mail.house.test"),
        Say("250-smart\r\n250 STARTTLS\r\n"),
        Hear("STARTTLS"),
        Say("220 Go\r\n"),
        Tls,
        Hear("EHLO mail.house.test"),
        Say("250-smart\r\n250 AUTH LOGIN\r\n"),
        Hear("AUTH LOGIN"),
        Say("334 VXNlcm5hbWU6\r\n"),
        Hear("YWRh"),
        Say("334 UGFzc3dvcmQ6\r\n"),
        Hear("c2VjcmV0"),
        Say("235 2.7.0 Welcome\r\n"),
        Hear("MAIL FROM:<ada@house.test>"),
        Say("451 4.3.0 Later\r\n"),
    ];
    let (relay_two, lane, server) = relay(secure, true).await;
    let delivery = relay_two.deliver(&mut None, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["deferred 4.3.0 127.0.0.1"]);
    server.await.unwrap();
}

#[tokio::test]
async fn a_lost_file_fails_without_a_connection() {
    let (relay, lane, server) = relay(Vec::new(), false).await;
    let letter = Letter::new(&["bob@remote.test"], "x");
    std::fs::remove_file(&letter.file).unwrap();
    let parcel = Parcel {
        content: &letter.content,
        size: 1,
        sender: &letter.sender,
        recipients: &letter.recipients,
    };
    let delivery = relay.deliver(&mut None, &lane, &parcel).await;
    assert_eq!(shown(&delivery), ["failed 5.3.0 -"]);
    server.abort();
}

/// RFC 6152 §3: a server without 8BITMIME gets 7 bits, with their size, or nothing.
#[tokio::test]
async fn eight_bits_are_converted_or_returned() {
    let script = vec![
        Say("220 mx\r\n"),
        Hear("EHLO mail.house.test"),
        Say("250-mx\r\n250 SIZE\r\n"),
        Hear("MAIL FROM:<ada@house.test> SIZE=121"),
        Say("250 Ok\r\n"),
        Hear("RCPT TO:<bob@remote.test>"),
        Say("250 Ok\r\n"),
        Hear("DATA"),
        Say("354 Go\r\n"),
        Take("a: b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"),
        Take("Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC\r\n.\r\n"),
        Say("250 2.0.0 Taken\r\n"),
        Hear("QUIT"),
        Say("221 Bye\r\n"),
    ];
    let (relay, lane, server) = relay(script, false).await;
    let mut kept = None;
    let mut letter = Letter::new(&["bob@remote.test"], "a: b\r\n\r\nü\r\n");
    letter.sender.body = crate::model::envelope::BodyType::EightBitMime;
    let delivery = relay.deliver(&mut kept, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["delivered 2.0.0 127.0.0.1"]);
    let signed = "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nü\r\n--b--\r\n";
    let letter = Letter::new(&["bob@remote.test"], signed);
    let delivery = relay.deliver(&mut kept, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["failed 5.6.3 -"]);
    kept.unwrap().quit().await;
    server.await.unwrap();
}

/// RFC 3030 §4.2: where the server takes it, the content goes together with the commands, with no dot doubled.
#[tokio::test]
async fn a_small_message_goes_in_one_flight() {
    let opening = || {
        vec![
            Say("220 mx\r\n"),
            Hear("EHLO mail.house.test"),
            Say("250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SIZE\r\n"),
        ]
    };
    let to_bob = || vec![Hear("MAIL FROM:<ada@house.test> SIZE=11"), Hear("RCPT TO:<bob@remote.test>")];
    let mut script = opening();
    script.extend([
        Hear("MAIL FROM:<ada@house.test> SIZE=11"),
        Hear("RCPT TO:<bob@remote.test>"),
        Hear("RCPT TO:<eve@remote.test>"),
        Hear("BDAT 11 LAST"),
        // Nothing is said before all of it has come.
        Take("a: b\r\n\r\n.\r\n"),
        Say("250 2.1.0 Ok\r\n550 5.1.1 Nobody\r\n250 2.1.5 Ok\r\n250 2.0.0 Taken\r\n"),
    ]);
    // Nobody is taken, and so nothing; the next one begins with RSET.
    script.extend(to_bob());
    script.extend([
        Hear("BDAT 11 LAST"),
        Take("a: b\r\n\r\n.\r\n"),
        Say("250 Ok\r\n450 4.2.0 Not now\r\n554 Nobody\r\n"),
        Hear("RSET"),
    ]);
    script.extend(to_bob());
    // The session is over, and the message was not taken: another one is opened, in which the server breaks off without a word.
    script.extend([
        Hear("BDAT 11 LAST"),
        Take("a: b\r\n\r\n.\r\n"),
        Say("250 Ok\r\n421 4.3.2 Bye\r\n"),
        Again,
    ]);
    script.extend(opening());
    script.extend(to_bob());
    script.extend([Hear("BDAT 11 LAST"), Take("a: b\r\n\r\n.\r\n")]);
    let (relay, lane, server) = relay(script, false).await;
    let mut kept = None;
    let both = Letter::new(&["bob@remote.test", "eve@remote.test"], "a: b\r\n\r\n.");
    let delivery = relay.deliver(&mut kept, &lane, &both.parcel()).await;
    assert_eq!(shown(&delivery), ["failed 5.1.1 127.0.0.1", "delivered 2.0.0 127.0.0.1"]);
    let letter = Letter::new(&["bob@remote.test"], "a: b\r\n\r\n.");
    let delivery = relay.deliver(&mut kept, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["deferred 4.2.0 127.0.0.1"]);
    let delivery = relay.deliver(&mut kept, &lane, &letter.parcel()).await;
    assert_eq!(shown(&delivery), ["deferred 4.4.2 -"]);
    server.await.unwrap();
}

/// What is large, or not to go by BDAT, goes by DATA; a server that does not know what it offered gets nothing more.
#[tokio::test]
async fn not_every_message_goes_in_one_flight() {
    let opening = || {
        vec![
            Say("220 mx\r\n"),
            Hear("EHLO mail.house.test"),
            Say("250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n"),
            Hear("MAIL FROM:<ada@house.test>"),
            Hear("RCPT TO:<bob@remote.test>"),
        ]
    };
    let by_data = || {
        let mut script = opening();
        script.extend([Hear("DATA"), Say("250 Ok\r\n250 Ok\r\n451 4.3.0 Later\r\n")]);
        script
    };
    let small = Letter::new(&["bob@remote.test"], "x\r\n");
    let large = Letter::new(&["bob@remote.test"], &"x\r\n".repeat(30_000));
    let mut unknown = opening();
    unknown.extend([
        Hear("BDAT 3 LAST"),
        Take("x\r\n"),
        Say("250 Ok\r\n250 Ok\r\n500 5.5.2 What?\r\n500 5.5.2 What?\r\n"),
    ]);
    for (script, chunking, letter, expected) in [
        (by_data(), true, &large, "deferred 4.3.0 127.0.0.1"),
        (by_data(), false, &small, "deferred 4.3.0 127.0.0.1"),
        (unknown, true, &small, "deferred 4.5.1 127.0.0.1"),
    ] {
        let (relay, lane, server) = relay_with(script, |settings| settings.chunking = chunking).await;
        let delivery = relay.deliver(&mut None, &lane, &letter.parcel()).await;
        assert_eq!(shown(&delivery), [expected]);
        server.await.unwrap();
    }
}
