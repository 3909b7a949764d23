//! A session with another server: greeting, EHLO, STARTTLS, login; then any number of messages.
//!
//! RFC 5321 §3.1 (session initiation), RFC 3207 §4 (STARTTLS), RFC 4954 §4 (AUTH), RFC 8314 §3.3 (TLS from the first octet).

use std::net::IpAddr;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::connection::{Broken, Connection};
use super::dane::NoMatch;
use super::offers::Offers;
use super::security::Failure;
use super::{Target, command, finding};
use crate::mail::queue::{Finding, Via};
use crate::model::secret::Secret;
use crate::wire::smtp::reply::Reply;

/// How long to wait for the answer to QUIT, which changes nothing.
const FAREWELL: Duration = Duration::from_secs(5);
/// The most messages over one connection.
const MOST_MESSAGES: u32 = 100;

/// How a session is to be opened.
pub(super) struct Terms<'a> {
    /// Our name for EHLO.
    pub(super) hostname: &'a str,
    /// The address to connect from.
    pub(super) source: Option<IpAddr>,
    pub(super) tls: TlsTerms,
    /// The name to ask for in TLS, where it is not the host's.
    pub(super) server_name: Option<String>,
    /// Whether BDAT may be used.
    pub(super) chunking: bool,
    pub(super) login: Option<Login<'a>>,
    pub(super) to_connect: Duration,
    pub(super) patience: Duration,
}

/// How much TLS.
#[derive(Clone)]
pub(super) enum TlsTerms {
    Never,
    /// If the server offers it.
    Offered(TlsConnector),
    /// Or no session.
    Required(TlsConnector),
    /// From the first octet.
    Implicit(TlsConnector),
}

/// Who we are at a smarthost or the server of a route.
#[derive(Clone, Copy)]
pub(super) struct Login<'a> {
    pub(super) username: &'a str,
    pub(super) password: &'a Secret,
}

/// Why there is no session.
pub(super) struct NoSession {
    pub(super) finding: Finding,
    /// What was wrong with TLS, if it was that: with other terms it may do.
    pub(super) failure: Option<Failure>,
    /// Our address, where there was a connection.
    pub(super) from: Option<IpAddr>,
}

/// An open session.
pub struct Session {
    pub(super) connection: Connection,
    pub(super) target: Target,
    pub(super) offers: Offers,
    /// Something of the message before is still in the server's mind.
    pub(super) dirty: bool,
    /// The end of a transaction was not heard: for those that it puts off no other server may be asked.
    pub(super) is_doubtful: bool,
    pub(super) messages: u32,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Session {
    /// Opens a session.
    pub(super) async fn open(target: &Target, terms: &Terms<'_>) -> Result<Self, NoSession> {
        let connection = Connection::open(terms.source, target.address, terms.to_connect, terms.patience)
            .await
            .map_err(|broken| NoSession {
                finding: finding::unreachable(target, &broken),
                failure: None,
                from: None,
            })?;
        let connection = match &terms.tls {
            TlsTerms::Implicit(connector) => secure(connection, connector, target, terms).await?,
            _ => connection,
        };
        let mut session = Self {
            connection,
            target: target.clone(),
            offers: Offers::default(),
            dirty: false,
            is_doubtful: false,
            messages: 0,
        };
        session.greeting().await?;
        session.hello(terms.hostname).await?;
        let mut session = session.starttls(terms).await?;
        session.offers.chunking &= terms.chunking;
        if let Some(login) = terms.login {
            session.login(login).await?;
        }
        tracing::debug!(host = %session.target, tls = session.connection.tls(), offers = ?session.offers, "session opened");
        Ok(session)
    }

    /// Whether another message may go over it.
    pub(super) fn is_reusable(&self) -> bool {
        self.messages < MOST_MESSAGES
    }

    /// No further message goes over it.
    pub(super) fn retire(&mut self) {
        self.messages = MOST_MESSAGES;
    }

    /// The connection, for those who want to know how a message went.
    pub fn via(&self) -> Via {
        let address = self.target.address;
        Via {
            host: self.target.host.clone(),
            text: match self.connection.tls() {
                Some(tls) => format!("{address}, {tls}"),
                None => address.to_string(),
            },
        }
    }

    /// Takes leave, as RFC 5321 §4.1.1.10 asks for.
    pub async fn quit(mut self) {
        if self.connection.send(b"QUIT\r\n").await.is_ok() {
            // Whatever it says, we are gone.
            let _ = self.connection.reply_within(FAREWELL).await;
        }
    }

    async fn greeting(&mut self) -> Result<(), NoSession> {
        let reply = self
            .connection
            .reply()
            .await
            .map_err(|broken| self.ended("the greeting", &broken))?;
        self.welcome(&reply)
    }

    /// EHLO, and HELO where that is not known (RFC 5321 §3.2).
    async fn hello(&mut self, hostname: &str) -> Result<(), NoSession> {
        let reply = self.say(&format!("EHLO {hostname}\r\n"), "EHLO").await?;
        if reply.code().is_positive() {
            self.offers = Offers::read(&reply);
            return Ok(());
        }
        if !reply.code().is_permanent() {
            return self.welcome(&reply);
        }
        let reply = self.say(&format!("HELO {hostname}\r\n"), "HELO").await?;
        self.offers = Offers::default();
        self.welcome(&reply)
    }

    async fn starttls(mut self, terms: &Terms<'_>) -> Result<Self, NoSession> {
        let (connector, required) = match &terms.tls {
            TlsTerms::Never | TlsTerms::Implicit(_) => return Ok(self),
            TlsTerms::Offered(connector) => (connector, false),
            TlsTerms::Required(connector) => (connector, true),
        };
        let problem = if self.offers.starttls {
            let reply = self.say("STARTTLS\r\n", "STARTTLS").await.map_err(|none| NoSession {
                // One that breaks here may do without TLS, as if the handshake had failed.
                failure: Some(Failure::StarttlsNotSupported),
                ..none
            })?;
            if reply.code().is_positive() {
                self.connection = secure(self.connection, connector, &self.target, terms).await?;
                // RFC 3207 §4.2: what was said before TLS is forgotten on both sides.
                self.hello(terms.hostname).await?;
                return Ok(self);
            }
            reply.to_string()
        } else {
            "it is not offered".to_owned()
        };
        if required {
            let finding = finding::no_tls(&self.target, &problem);
            return Err(NoSession {
                failure: Some(Failure::StarttlsNotSupported),
                ..self.none(finding)
            });
        }
        Ok(self)
    }

    /// A login that fails is a matter for the operator, not for the sender: everything waits.
    async fn login(&mut self, login: Login<'_>) -> Result<(), NoSession> {
        let problem = if self.connection.tls().is_none() {
            "there is no TLS, and the password does not go in clear".to_owned()
        } else if self.offers.auth_plain {
            let initial = command::plain(login.username, login.password.expose());
            let reply = self.say(&format!("AUTH PLAIN {initial}\r\n"), "AUTH").await?;
            if reply.code().is_positive() {
                return Ok(());
            }
            reply.to_string()
        } else if self.offers.auth_login {
            match self.auth_login(login).await? {
                None => return Ok(()),
                Some(reply) => reply.to_string(),
            }
        } else {
            "neither PLAIN nor LOGIN is offered".to_owned()
        };
        tracing::error!(host = %self.target, problem, "cannot log in at the server of a route");
        Err(self.none(finding::no_login(&self.target, &problem)))
    }

    /// AUTH LOGIN; the reply that refused it.
    async fn auth_login(&mut self, login: Login<'_>) -> Result<Option<Reply>, NoSession> {
        let answers = [
            "AUTH LOGIN".to_owned(),
            command::login(login.username),
            command::login(login.password.expose()),
        ];
        for (place, answer) in answers.iter().enumerate() {
            let reply = self.say(&format!("{answer}\r\n"), "AUTH").await?;
            let goes_on = if place == 2 {
                reply.code().is_positive()
            } else {
                reply.code().is_intermediate()
            };
            if !goes_on {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    async fn say(&mut self, command: &str, name: &str) -> Result<Reply, NoSession> {
        let reply = self.connection.exchange(command).await;
        reply.map_err(|broken| self.ended(name, &broken))
    }

    fn welcome(&self, reply: &Reply) -> Result<(), NoSession> {
        if reply.code().is_positive() {
            return Ok(());
        }
        Err(self.none(finding::turned_away(&self.target.host, reply)))
    }

    fn ended(&self, doing: &str, broken: &Broken) -> NoSession {
        self.none(finding::broken(&self.target, doing, broken))
    }

    fn none(&self, finding: Finding) -> NoSession {
        NoSession {
            finding,
            failure: None,
            from: self.connection.local(),
        }
    }
}

async fn secure(connection: Connection, connector: &TlsConnector, target: &Target, terms: &Terms<'_>) -> Result<Connection, NoSession> {
    let name = terms.server_name.as_ref().unwrap_or(&target.host);
    // A host name that is none for TLS (an underscore, say) is no reason to go without TLS.
    let name = ServerName::try_from(name.clone()).unwrap_or_else(|_| target.address.ip().into());
    let from = connection.local();
    connection.with_tls(connector, name).await.map_err(|broken| {
        let failure = Failure::of(&broken);
        let finding = match failure {
            Failure::TlsaInvalid => finding::no_tls(target, &NoMatch),
            _ => finding::no_tls(target, &broken),
        };
        NoSession {
            finding,
            failure: Some(failure),
            from,
        }
    })
}
