//! Another organisation's mail server, played from a script: it records what it was given, and misbehaves when it is told to.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::tls;
use super::wait::until;

/// What to say to a line of the client (or to `.`, the end of a message, or to `connect`).
#[derive(Clone)]
pub enum Answer {
    /// What a good server says.
    Usual,
    /// This reply, and nothing else happens.
    Say(&'static str),
    /// These octets, whatever they are.
    Octets(Vec<u8>),
    /// These octets, and then close the connection.
    Last(&'static [u8]),
    /// These octets, and then nothing until the client goes.
    Stall(&'static [u8]),
    /// What a good server says, with a pause before each octet.
    Slowly(Duration),
    /// To `.`: take the message and close the connection without a word.
    TakeAndHangUp,
    /// Nothing: close the connection.
    HangUp,
}

/// A flaw of a server: its answer to lines that begin so, in capitals, the first few times.
pub struct Flaw {
    at: &'static str,
    times: AtomicUsize,
    answer: Answer,
}

impl Flaw {
    /// Every time.
    pub fn always(at: &'static str, answer: Answer) -> Self {
        Self::first(usize::MAX, at, answer)
    }

    /// The first so many times.
    pub fn first(times: usize, at: &'static str, answer: Answer) -> Self {
        let times = AtomicUsize::new(times);
        Self { at, times, answer }
    }

    fn answer(&self, line: &str) -> Option<Answer> {
        let here = line.to_ascii_uppercase().starts_with(self.at);
        let left = |times: usize| times.checked_sub(1);
        let is_now = here && self.times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok();
        is_now.then(|| self.answer.clone())
    }
}

/// How a server behaves.
#[derive(Default)]
pub struct Manner {
    /// The first one that has an answer gives it.
    pub flaws: Vec<Flaw>,
    /// The most recipients of a transaction; 0: no bound.
    pub most_recipients: usize,
    /// It has no STARTTLS.
    pub is_plain: bool,
    /// It takes BDAT (RFC 3030); flaws at `.` are those of the last chunk too.
    pub has_chunking: bool,
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
    /// The client said something more on the connection, so it had heard the reply and written it down.
    pub is_settled: bool,
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

enum Character {
    Script(Box<Script>),
    Manner(Manner),
}

/// A mail server on loopback.
#[derive(Clone)]
pub struct Mx {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    character: Arc<Character>,
    certificate: Option<Arc<ServerConfig>>,
}

impl Mx {
    /// One that takes everything, over STARTTLS if the client wants to.
    pub fn good() -> Self {
        Self::mannered(([127, 0, 0, 1], 0).into(), Manner::default())
    }

    /// One that behaves in this manner, at this address.
    pub fn mannered(address: SocketAddr, manner: Manner) -> Self {
        let certificate = (!manner.is_plain).then(|| tls::server("mx.remote.test"));
        Self::start(address, Character::Manner(manner), certificate)
    }

    /// One that asks the script at each line; it offers STARTTLS with a certificate of its own.
    pub fn scripted(script: impl Fn(&str, &Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::certified(tls::server("mx.remote.test"), script)
    }

    /// The same without STARTTLS.
    pub fn without_tls(script: impl Fn(&str, &Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(([127, 0, 0, 1], 0).into(), Character::Script(Box::new(script)), None)
    }

    /// The same with STARTTLS and this certificate.
    pub fn certified(certificate: Arc<ServerConfig>, script: impl Fn(&str, &Seen) -> Answer + Send + Sync + 'static) -> Self {
        let character = Character::Script(Box::new(script));
        Self::start(([127, 0, 0, 1], 0).into(), character, Some(certificate))
    }

    fn start(address: SocketAddr, character: Character, certificate: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(address).expect("a socket");
        let mx = Self {
            address: listener.local_addr().expect("an address"),
            seen: Arc::default(),
            character: Arc::new(character),
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
        self.look(Seen::clone)
    }

    /// The same, for a look at a lot.
    pub fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().expect("seen"))
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
        stream.set_nodelay(true)?;
        let mut plain = BufReader::new(stream);
        let answer = self.ask("connect");
        let greeting = answer.text(|| "220 mx.remote.test ESMTP".into());
        if give(&mut plain, &answer, &greeting)? == End::Over || self.dialogue(&mut plain, false)? == End::Over {
            return Ok(());
        }
        let config = Arc::clone(self.certificate.as_ref().ok_or(io::ErrorKind::Unsupported)?);
        let session = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut secure = BufReader::new(StreamOwned::new(session, plain.into_inner()));
        self.dialogue(&mut secure, true).map(|_| ())
    }

    fn dialogue<S: Read + Write>(&self, stream: &mut BufReader<S>, tls: bool) -> io::Result<End> {
        let fresh = Letter { tls, ..Letter::default() };
        let mut letter = fresh.clone();
        let mut last = None;
        while let Some(line) = read_line(stream)? {
            self.settle(last.take());
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let mut answer = self.ask(&line);
            if verb == "BDAT" {
                letter.text = read_chunk(stream, &line)?;
                answer = self.ask(".");
            }
            let reply = answer.text(|| self.usual(&verb, &line, tls, &mut letter));
            if verb == "BDAT" {
                if reply.starts_with("250") {
                    last = Some(self.take(letter));
                }
                letter = fresh.clone();
            }
            if give(stream, &answer, &reply)? == End::Over {
                return Ok(End::Over);
            }
            match (verb.as_str(), reply.get(..3)) {
                ("STARTTLS", Some("220")) => return Ok(End::StartTls),
                ("QUIT", _) => return Ok(End::Over),
                ("DATA", Some("354")) => {
                    letter.text = read_message(stream)?;
                    let answer = self.ask(".");
                    let reply = answer.text(|| "250 2.0.0 taken".into());
                    if reply.starts_with("250") {
                        last = Some(self.take(letter));
                    }
                    letter = fresh.clone();
                    if give(stream, &answer, &reply)? == End::Over {
                        return Ok(End::Over);
                    }
                }
                _ => {}
            }
        }
        Ok(End::Over)
    }

    /// Keeps a message; gives its place.
    fn take(&self, letter: Letter) -> usize {
        let mut seen = self.seen.lock().expect("seen");
        seen.letters.push(letter);
        seen.letters.len() - 1
    }

    fn settle(&self, letter: Option<usize>) {
        if let Some(place) = letter {
            self.seen.lock().expect("seen").letters[place].is_settled = true;
        }
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
                let has_chunking = matches!(&*self.character, Character::Manner(manner) if manner.has_chunking);
                let chunking = if has_chunking { "250-CHUNKING\r\n" } else { "" };
                return format!(
                    "250-mx.remote.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n{starttls}{chunking}250 SIZE 10000000"
                );
            }
            "HELO" | "NOOP" => "250 2.0.0 ok",
            "MAIL" => {
                letter.from = argument();
                "250 2.1.0 ok"
            }
            "RCPT" if self.is_full(letter) => "452 4.5.3 too many recipients",
            "RCPT" => {
                letter.to.push(argument());
                "250 2.1.5 ok"
            }
            "DATA" | "BDAT" if letter.to.is_empty() => "503 5.5.1 no recipient",
            "DATA" => "354 go on",
            "BDAT" => "250 2.0.0 taken",
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

    fn is_full(&self, letter: &Letter) -> bool {
        matches!(&*self.character, Character::Manner(Manner { most_recipients: most @ 1.., .. }) if letter.to.len() >= *most)
    }

    /// The script answers with no lock held.
    fn ask(&self, line: &str) -> Answer {
        let note = |seen: &mut Seen| seen.lines.push(line.to_owned());
        match &*self.character {
            Character::Manner(manner) => {
                note(&mut self.seen.lock().expect("seen"));
                let mut answers = manner.flaws.iter().filter_map(|flaw| flaw.answer(line));
                answers.next().unwrap_or(Answer::Usual)
            }
            Character::Script(script) => {
                let seen = {
                    let mut seen = self.seen.lock().expect("seen");
                    note(&mut seen);
                    seen.clone()
                };
                script(line, &seen)
            }
        }
    }
}

impl Answer {
    fn text(&self, usual: impl FnOnce() -> String) -> String {
        match self {
            Self::Usual | Self::Slowly(_) | Self::TakeAndHangUp => usual(),
            Self::Say(reply) => (*reply).to_owned(),
            Self::Octets(octets) => String::from_utf8_lossy(octets).into_owned(),
            Self::Last(_) | Self::Stall(_) | Self::HangUp => String::new(),
        }
    }
}

/// How a dialogue ended.
#[derive(PartialEq, Eq)]
enum End {
    Not,
    Over,
    StartTls,
}

/// Gives an answer, of which `reply` is the text.
fn give<S: Read + Write>(stream: &mut BufReader<S>, answer: &Answer, reply: &str) -> io::Result<End> {
    let to = stream.get_mut();
    match answer {
        Answer::Usual | Answer::Say(_) => say(to, reply)?,
        Answer::Octets(octets) => send(to, octets)?,
        Answer::Slowly(pause) => {
            for octet in format!("{reply}\r\n").as_bytes() {
                thread::sleep(*pause);
                send(to, &[*octet])?;
            }
        }
        Answer::Last(octets) => {
            send(to, octets)?;
            return Ok(End::Over);
        }
        Answer::Stall(octets) => {
            send(to, octets)?;
            io::copy(stream, &mut io::sink())?;
            return Ok(End::Over);
        }
        Answer::TakeAndHangUp | Answer::HangUp => return Ok(End::Over),
    }
    Ok(End::Not)
}

fn say(stream: &mut impl Write, reply: &str) -> io::Result<()> {
    send(stream, format!("{reply}\r\n").as_bytes())
}

fn send(stream: &mut impl Write, octets: &[u8]) -> io::Result<()> {
    stream.write_all(octets)?;
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

/// The octets of `BDAT 123 LAST`, with LF line ends.
fn read_chunk(stream: &mut impl BufRead, line: &str) -> io::Result<String> {
    let size = line.split(' ').nth(1).and_then(|size| size.parse().ok());
    let mut octets = vec![0; size.ok_or(io::ErrorKind::InvalidData)?];
    stream.read_exact(&mut octets)?;
    Ok(String::from_utf8_lossy(&octets).replace("\r\n", "\n"))
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
