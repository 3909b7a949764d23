//! A session with another IMAP server: commands out, answers in, the octets of messages straight into drafts.
//!
//! Everything that the server says is bounded: lines, literals, the time it may keep silent. RFC 3501 §7 (answers), RFC 8314 §3.2 (TLS from
//! the first octet), RFC 2595 §3 (STARTTLS).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, BytesMut};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::mail::mailbox::{Draft, LineEnds, Mailboxes};
use crate::mail::relay::tls;
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::wire::imap::answer::{Answer, Code, Condition, Status};

/// How long the server may keep silent.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long connecting may take.
const TO_CONNECT: Duration = Duration::from_secs(30);
/// How much is read at a time.
const READ_SIZE: usize = 64 * 1024;
/// The most octets of an answer, without those of a message.
const MAX_ANSWER: usize = 1 << 20;
/// The most octets of a literal that is no message.
const MAX_LITERAL: u64 = 64 * 1024;

/// How much TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the first octet.
    Implicit,
    /// After STARTTLS, which the server must offer.
    StartTls,
    /// None: the password goes in clear.
    None,
}

/// Where the account is.
#[derive(Debug, Clone)]
pub struct Server {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How much TLS.
    pub tls: Tls,
    /// Certificate authorities besides those of the system, a PEM file.
    pub authorities: Option<PathBuf>,
    /// Take any certificate.
    pub is_insecure: bool,
}

/// Who we are there.
#[derive(Debug, Clone)]
pub enum Login {
    /// A name and a password.
    Password(String, Secret),
    /// A name and an access token, by XOAUTH2.
    Token(String, Secret),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The connection is of no more use; another may do.
    #[error("{0}")]
    Broken(String),
    /// The server said no.
    #[error("the server answered: {0}")]
    Refused(String),
    /// Nothing would change if it was tried again: TLS or the login do not do.
    #[error("{0}")]
    Hopeless(String),
    /// We said no.
    #[error("{0}")]
    Here(#[from] Refusal),
}

impl Failure {
    fn broken(error: impl std::fmt::Display) -> Self {
        Self::Broken(format!("the connection broke: {error}"))
    }
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Io for T {}

/// A part of a command.
pub(super) enum Part<'p> {
    Text(&'p str),
    /// Written as a string.
    Octets(&'p [u8]),
}

/// An answer, and the message whose octets came with it.
pub(super) struct Heard {
    pub(super) answer: Answer,
    pub(super) body: Option<Result<Draft, Refusal>>,
}

/// An open session.
pub(super) struct Session {
    stream: Box<dyn Io>,
    input: BytesMut,
    tags: u32,
    capabilities: Vec<String>,
}

impl Session {
    /// Connects, secures the connection and logs in.
    pub(super) async fn open(server: &Server, login: &Login) -> Result<Self, Failure> {
        let connecting = timeout(TO_CONNECT, TcpStream::connect((server.host.as_str(), server.port))).await;
        let unreachable =
            |error: &dyn std::fmt::Display| Failure::Broken(format!("cannot connect to {}:{}: {error}", server.host, server.port));
        let stream = connecting
            .map_err(|_| unreachable(&"no answer"))?
            .map_err(|error| unreachable(&error))?;
        let mut session = Self {
            stream: match server.tls {
                Tls::Implicit => secured(Box::new(stream), server).await?,
                Tls::StartTls | Tls::None => Box::new(stream),
            },
            input: BytesMut::new(),
            tags: 0,
            capabilities: Vec::new(),
        };
        let is_known = session.greeting().await?;
        if server.tls == Tls::StartTls {
            session = session.start_tls(server).await?;
        }
        if !is_known {
            session.log_in(login).await?;
        }
        Ok(session)
    }

    /// Whether the server can do this.
    pub(super) fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|known| known == capability)
    }

    /// Whether the server knows who we are already.
    async fn greeting(&mut self) -> Result<bool, Failure> {
        match self.hear(None).await?.answer {
            Answer::Status(status) if status.condition != Condition::Bye => {
                let is_known = status.condition == Condition::PreAuth;
                self.learn(&status);
                Ok(is_known)
            }
            Answer::Status(status) => Err(Failure::Broken(format!("the server takes no session: {}", status.text))),
            _ => Err(Failure::Broken("this is no IMAP server".into())),
        }
    }

    fn learn(&mut self, status: &Status) {
        if let Code::Capability(all) = &status.code {
            self.capabilities.clone_from(all);
        }
    }

    async fn start_tls(mut self, server: &Server) -> Result<Self, Failure> {
        self.run(&[Part::Text("STARTTLS")]).await.map_err(|failure| {
            Failure::Hopeless(format!(
                "STARTTLS: {failure}; give --tls implicit or none if that is what the server wants"
            ))
        })?;
        // RFC 3501 §6.2.1: what was said before is not to be trusted.
        if !self.input.is_empty() {
            return Err(Failure::Hopeless("something came before TLS began that must not be there".into()));
        }
        self.stream = secured(self.stream, server).await?;
        self.capabilities.clear();
        Ok(self)
    }

    async fn log_in(&mut self, login: &Login) -> Result<(), Failure> {
        if self.capabilities.is_empty() {
            self.run(&[Part::Text("CAPABILITY")]).await?;
        }
        let done = match login {
            Login::Password(user, password) if self.can("AUTH=PLAIN") => {
                let text = format!("\0{user}\0{}", password.expose());
                self.authenticate("PLAIN", &text).await
            }
            Login::Password(..) if self.can("LOGINDISABLED") => {
                return Err(Failure::Hopeless(
                    "the server takes no password without TLS; give --tls implicit or starttls".into(),
                ));
            }
            Login::Password(user, password) => {
                let parts = [
                    Part::Text("LOGIN "),
                    Part::Octets(user.as_bytes()),
                    Part::Text(" "),
                    Part::Octets(password.expose().as_bytes()),
                ];
                self.run(&parts).await.map(drop)
            }
            Login::Token(user, token) => {
                let text = format!("user={user}\u{1}auth=Bearer {}\u{1}\u{1}", token.expose());
                self.authenticate("XOAUTH2", &text).await
            }
        };
        match done {
            Err(Failure::Refused(text)) => Err(Failure::Hopeless(format!("the login was refused: {text}"))),
            Err(failure) => Err(failure),
            Ok(()) => {
                // RFC 3501 §6.2.2: after the login the server can do other things.
                self.run(&[Part::Text("CAPABILITY")]).await.map(drop)
            }
        }
    }

    /// RFC 3501 §6.2.2, RFC 4959 §3.
    async fn authenticate(&mut self, mechanism: &str, text: &str) -> Result<(), Failure> {
        let encoded = STANDARD.encode(text);
        let tag = self.tag();
        let has_initial = self.can("SASL-IR");
        let first = match has_initial {
            true => format!("{tag} AUTHENTICATE {mechanism} {encoded}\r\n"),
            false => format!("{tag} AUTHENTICATE {mechanism}\r\n"),
        };
        self.say(first.as_bytes()).await?;
        let mut is_said = has_initial;
        loop {
            match self.hear(None).await?.answer {
                // A challenge after all was said: why it was refused, which the tagged answer says too.
                Answer::Continue(_) if is_said => self.say(b"\r\n").await?,
                Answer::Continue(_) => {
                    is_said = true;
                    self.say(format!("{encoded}\r\n").as_bytes()).await?;
                }
                Answer::Done(_, status) => return self.end(status),
                answer => self.note(answer)?,
            }
        }
    }

    /// Runs a command that is answered in few words; its untagged answers.
    pub(super) async fn run(&mut self, command: &[Part<'_>]) -> Result<Vec<Answer>, Failure> {
        let mut answers = Vec::new();
        self.begin(command).await?;
        while let Some(heard) = self.next(None).await? {
            if answers.len() >= MAX_ANSWER / 16 {
                return Err(Failure::Broken("the server says too much".into()));
            }
            answers.push(heard.answer);
        }
        Ok(answers)
    }

    /// Says a command; [`Session::next`] gives its answers.
    pub(super) async fn begin(&mut self, command: &[Part<'_>]) -> Result<(), Failure> {
        let mut line = format!("{} ", self.tag()).into_bytes();
        for part in command {
            match part {
                Part::Text(text) => line.extend_from_slice(text.as_bytes()),
                Part::Octets(octets) if octets.iter().all(|octet| (b' '..=b'~').contains(octet)) => {
                    line.push(b'"');
                    for &octet in *octets {
                        if matches!(octet, b'"' | b'\\') {
                            line.push(b'\\');
                        }
                        line.push(octet);
                    }
                    line.push(b'"');
                }
                Part::Octets(octets) => {
                    line.extend_from_slice(format!("{{{}}}\r\n", octets.len()).as_bytes());
                    self.say(&line).await?;
                    line.clear();
                    self.wait_for_continuation().await?;
                    line.extend_from_slice(octets);
                }
            }
        }
        line.extend_from_slice(b"\r\n");
        self.say(&line).await
    }

    async fn wait_for_continuation(&mut self) -> Result<(), Failure> {
        loop {
            match self.hear(None).await?.answer {
                Answer::Continue(_) => return Ok(()),
                Answer::Done(_, status) => return self.end(status).and(Err(Failure::Refused("it takes no literal".into()))),
                answer => self.note(answer)?,
            }
        }
    }

    /// The next untagged answer to the command under way; none at its end. Messages come as drafts of `mailboxes`.
    pub(super) async fn next(&mut self, mailboxes: Option<&Mailboxes>) -> Result<Option<Heard>, Failure> {
        let heard = self.hear(mailboxes).await?;
        match heard.answer {
            Answer::Done(_, status) => self.end(status).map(|()| None),
            Answer::Capability(ref all) => {
                self.capabilities.clone_from(all);
                Ok(Some(heard))
            }
            Answer::Status(ref status) if status.condition == Condition::Bye => {
                Err(Failure::Broken(format!("the server ended the session: {}", status.text)))
            }
            _ => Ok(Some(heard)),
        }
    }

    /// What comes between and is of no interest.
    fn note(&mut self, answer: Answer) -> Result<(), Failure> {
        match answer {
            Answer::Capability(all) => self.capabilities = all,
            Answer::Status(status) if status.condition == Condition::Bye => {
                return Err(Failure::Broken(format!("the server ended the session: {}", status.text)));
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, status: Status) -> Result<(), Failure> {
        self.learn(&status);
        match status.condition {
            Condition::Ok => Ok(()),
            _ => Err(Failure::Refused(status.text)),
        }
    }

    /// Takes leave.
    pub(super) async fn log_out(mut self) {
        // Whatever it says, we are gone.
        if let Ok(Err(failure)) = timeout(Duration::from_secs(5), self.run(&[Part::Text("LOGOUT")])).await {
            tracing::debug!(%failure, "LOGOUT");
        }
    }

    fn tag(&mut self) -> String {
        self.tags = self.tags.wrapping_add(1);
        format!("p{}", self.tags)
    }

    async fn say(&mut self, octets: &[u8]) -> Result<(), Failure> {
        let said = timeout(PATIENCE, async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        });
        said.await.map_err(|_| Failure::broken("timed out"))?.map_err(Failure::broken)
    }

    /// Reads an answer with its literals.
    async fn hear(&mut self, mailboxes: Option<&Mailboxes>) -> Result<Heard, Failure> {
        let mut octets = Vec::new();
        let mut body = None;
        loop {
            self.line(&mut octets).await?;
            let Some((size, at)) = announced(&octets) else { break };
            let is_body = octets.get(..at).is_some_and(ends_with_body);
            if let Some(mailboxes) = mailboxes.filter(|_| is_body) {
                octets.truncate(at);
                octets.extend_from_slice(b"\"\"");
                body = Some(self.message(size, mailboxes).await?);
            } else if size <= MAX_LITERAL {
                self.literal(size, &mut octets).await?;
            } else {
                return Err(Failure::Broken(format!(
                    "the server sends a text of {size} octets where none was expected"
                )));
            }
        }
        let answer = Answer::parse(&octets).map_err(|error| {
            let begin = String::from_utf8_lossy(octets.get(..80).unwrap_or(&octets)).into_owned();
            Failure::Broken(format!("the server's answer cannot be read: {error} of {begin:?}"))
        })?;
        Ok(Heard { answer, body })
    }

    /// Adds the rest of a line.
    async fn line(&mut self, to: &mut Vec<u8>) -> Result<(), Failure> {
        loop {
            let end = memchr::memchr(b'\n', &self.input).map(|at| at.saturating_add(1));
            let taken = self.input.split_to(end.unwrap_or(self.input.len()));
            to.extend_from_slice(&taken);
            if end.is_some() {
                return Ok(());
            }
            if to.len() > MAX_ANSWER {
                return Err(Failure::Broken("the server sends a line without end".into()));
            }
            self.fill().await?;
        }
    }

    async fn literal(&mut self, size: u64, to: &mut Vec<u8>) -> Result<(), Failure> {
        let mut left = usize::try_from(size).unwrap_or(usize::MAX);
        while left > 0 {
            if self.input.is_empty() {
                self.fill().await?;
            }
            let taken = self.input.split_to(left.min(self.input.len()));
            left = left.saturating_sub(taken.len());
            to.extend_from_slice(&taken);
        }
        Ok(())
    }

    /// The octets of a message. One that we refuse is read to its end all the same.
    async fn message(&mut self, size: u64, mailboxes: &Mailboxes) -> Result<Result<Draft, Refusal>, Failure> {
        let mut draft = Ok(mailboxes.draft(LineEnds::Mended));
        let mut left = size;
        while left > 0 {
            if self.input.is_empty() {
                self.fill().await?;
            }
            let count = self.input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if let Ok(open) = &mut draft
                && let Err(refusal) = open.write(self.input.get(..count).unwrap_or_default()).await
            {
                draft = Err(refusal);
            }
            self.input.advance(count);
            left = left.saturating_sub(count as u64);
        }
        Ok(draft)
    }

    async fn fill(&mut self) -> Result<(), Failure> {
        self.input.reserve(READ_SIZE);
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.input)).await;
        match read
            .map_err(|_| Failure::broken("the server said nothing for too long"))?
            .map_err(Failure::broken)?
        {
            0 => Err(Failure::broken("the server closed it")),
            _ => Ok(()),
        }
    }
}

/// The size of the literal that a line announces, and where the announcement begins.
fn announced(octets: &[u8]) -> Option<(u64, usize)> {
    let line = octets.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(b"}")?;
    let line = line.strip_suffix(b"+").unwrap_or(line);
    let at = memchr::memrchr(b'{', line)?;
    let digits = line.get(at.saturating_add(1)..)?;
    let size = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((size, at))
}

/// Whether the octets of a whole message come next.
fn ends_with_body(before: &[u8]) -> bool {
    before
        .len()
        .checked_sub(7)
        .and_then(|at| before.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(b"BODY[] "))
}

/// The connection with TLS.
async fn secured(stream: Box<dyn Io>, server: &Server) -> Result<Box<dyn Io>, Failure> {
    let hopeless = |error: &dyn std::fmt::Display| Failure::Hopeless(format!("TLS with {}: {error}", server.host));
    let connector = match server.is_insecure {
        true => tls::opportunistic().map_err(|error| hopeless(&error))?,
        false => {
            let authorities = server.authorities.clone();
            let config = tokio::task::spawn_blocking(move || tls::verified(authorities.as_deref())).await;
            let config = config.map_err(|_| Refusal::LATER)?.map_err(|error| hopeless(&error))?;
            TlsConnector::from(Arc::new(config))
        }
    };
    let name = ServerName::try_from(server.host.clone()).map_err(|error| hopeless(&error))?;
    let connecting = timeout(TO_CONNECT, connector.connect(name, stream)).await;
    let secured = connecting.map_err(|_| Failure::Broken(format!("TLS with {}: no answer", server.host)))?;
    Ok(Box::new(secured.map_err(|error| hopeless(&error))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_announced() {
        assert_eq!(announced(b"* 1 FETCH (BODY[] {310}\r\n"), Some((310, 18)));
        assert_eq!(announced(b"x {5+}\n"), Some((5, 2)));
        for line in ["", "\r\n", "{5}", "{}\r\n", "{-1}\r\n", "{5} \r\n", "{99999999999999999999}\r\n"] {
            assert_eq!(announced(line.as_bytes()), None, "{line:?}");
        }
        assert!(ends_with_body(b"(uid 5 body[] ") && !ends_with_body(b"BODY[1] ") && !ends_with_body(b""));
    }
}
