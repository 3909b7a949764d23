//! Another organisation's mail server, played from a script: it records what it was given, and misbehaves when it is told to.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::tls;
use super::wait::until;

/// What to say to a line of the client (or to `.`, the end of a message).
pub enum Answer {
    /// What a good server says.
    Usual,
    /// This reply, and nothing else happens.
    Say(&'static str),
    /// Nothing: close the connection.
    HangUp,
}

/// A message as it arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letter {
    /// The argument of MAIL, with its parameters.
    pub from: String,
    /// The arguments of RCPT.
    pub to: Vec<String>,
    /// The message with LF line ends, dots undone.
    pub text: String,
    /// Whether it came over TLS.
    pub tls: bool,
}

/// What the server has seen; the script is asked with it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Connections so far, this one included.
    pub connections: usize,
    /// Lines of commands so far, this one included.
    pub lines: Vec<String>,
    /// Messages that got a 250.
    pub letters: Vec<Letter>,
    /// Where the connections came from.
    pub peers: Vec<IpAddr>,
}

type Script = dyn Fn(&str, &Seen) -> Answer + Send + Sync;

/// A mail server on loopback.
#[derive(Clone)]
pub struct Mx {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    script: Arc<Script>,
    certificate: Option<Arc<ServerConfig>>,
}

impl Mx {
    /// One that takes everything, over STARTTLS if the client wants to.
    pub fn good() -> Self {
        Self::scripted(|_, _| Answer::Usual)
    }

    /// One that asks the script at each line; it offers STARTTLS with a certificate of its own.
    pub fn scripted(script: impl Fn(&str, &Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(script), Some(tls::server("mx.remote.test")))
    }

    /// The same without STARTTLS.
    pub fn without_tls(script: impl Fn(&str, &Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(script), None)
    }

    /// The same with STARTTLS and this certificate.
    pub fn certified(certificate: Arc<ServerConfig>, script: impl Fn(&str, &Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(script), Some(certificate))
    }

    fn start(script: Arc<Script>, certificate: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let mx = Self {
            address: listener.local_addr().expect("an address"),
            seen: Arc::default(),
            script,
            certificate,
        };
        let accepting = mx.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mx = accepting.clone();
                // A connection that breaks is the client's matter.
                thread::spawn(move || mx.session(stream).ok());
            }
        });
        mx
    }

    /// The port, for `outbound.smtp_port`.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What it has seen so far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().expect("seen").clone()
    }

    /// Waits until it has so many letters.
    pub fn wait_for(&self, count: usize) -> Vec<Letter> {
        until(&format!("{count} letters at the remote server"), || {
            Some(self.seen().letters).filter(|letters| letters.len() >= count)
        })
    }

    fn session(&self, stream: TcpStream) -> io::Result<()> {
        let peer = stream.peer_addr()?.ip();
        {
            let mut seen = self.seen.lock().expect("seen");
            seen.connections += 1;
            seen.peers.push(peer);
        }
        let mut plain = BufReader::new(stream);
        match self.greet(plain.get_mut())? {
            Some(()) => {}
            None => return Ok(()),
        }
        if self.dialogue(&mut plain, false)? != End::StartTls {
            return Ok(());
        }
        let config = Arc::clone(self.certificate.as_ref().ok_or(io::ErrorKind::Unsupported)?);
        let session = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut secure = BufReader::new(StreamOwned::new(session, plain.into_inner()));
        self.dialogue(&mut secure, true).map(|_| ())
    }

    fn greet(&self, stream: &mut TcpStream) -> io::Result<Option<()>> {
        match self.ask("connect") {
            Answer::Usual => say(stream, "220 mx.remote.test ESMTP").map(Some),
            Answer::Say(reply) => say(stream, reply).map(Some),
            Answer::HangUp => Ok(None),
        }
    }

    fn dialogue<S: Read + Write>(&self, stream: &mut BufReader<S>, tls: bool) -> io::Result<End> {
        let fresh = Letter { tls, ..Letter::default() };
        let mut letter = fresh.clone();
        while let Some(line) = read_line(stream)? {
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let reply = match self.ask(&line) {
                Answer::HangUp => return Ok(End::Over),
                Answer::Say(reply) => reply.to_owned(),
                Answer::Usual => self.usual(&verb, &line, tls, &mut letter),
            };
            say(stream.get_mut(), &reply)?;
            match (verb.as_str(), &reply[..3]) {
                ("STARTTLS", "220") => return Ok(End::StartTls),
                ("QUIT", _) => return Ok(End::Over),
                ("DATA", "354") => {
                    letter.text = read_message(stream)?;
                    let reply = match self.ask(".") {
                        Answer::HangUp => return Ok(End::Over),
                        Answer::Say(reply) => reply,
                        Answer::Usual => "250 2.0.0 taken",
                    };
                    if reply.starts_with("250") {
                        self.seen.lock().expect("seen").letters.push(letter);
                    }
                    letter = fresh.clone();
                    say(stream.get_mut(), reply)?;
                }
                _ => {}
            }
        }
        Ok(End::Over)
    }

    fn usual(&self, verb: &str, line: &str, tls: bool, letter: &mut Letter) -> String {
        let argument = || line.split_once(':').map_or(String::new(), |(_, rest)| rest.trim().to_owned());
        match verb {
            "EHLO" => {
                let starttls = if self.certificate.is_some() && !tls {
                    "250-STARTTLS\r\n"
                } else {
                    ""
                };
                return format!(
                    "250-mx.remote.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n{starttls}250 SIZE 10000000"
                );
            }
            "HELO" | "NOOP" => "250 2.0.0 ok",
            "MAIL" => {
                letter.from = argument();
                "250 2.1.0 ok"
            }
            "RCPT" => {
                letter.to.push(argument());
                "250 2.1.5 ok"
            }
            "DATA" if letter.to.is_empty() => "503 5.5.1 no recipient",
            "DATA" => "354 go on",
            "RSET" => {
                (letter.from, letter.to) = Default::default();
                "250 2.0.0 ok"
            }
            "STARTTLS" => "220 2.0.0 go on",
            "QUIT" => "221 2.0.0 bye",
            _ => "502 5.5.2 unknown",
        }
        .to_owned()
    }

    /// The script answers with no lock held.
    fn ask(&self, line: &str) -> Answer {
        let seen = {
            let mut seen = self.seen.lock().expect("seen");
            seen.lines.push(line.to_owned());
            seen.clone()
        };
        (self.script)(line, &seen)
    }
}

/// How a dialogue ended.
#[derive(PartialEq, Eq)]
enum End {
    Over,
    StartTls,
}

fn say(stream: &mut impl Write, reply: &str) -> io::Result<()> {
    stream.write_all(format!("{reply}\r\n").as_bytes())?;
    stream.flush()
}

fn read_line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
}

fn read_message(stream: &mut impl BufRead) -> io::Result<String> {
    let mut text = String::new();
    while let Some(line) = read_line(stream)? {
        if line == "." {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        text.push('\n');
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
