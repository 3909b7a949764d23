//! AUTH PLAIN and AUTH LOGIN: RFC 4954 §4, RFC 4616 §2.

use std::sync::Arc;

use super::refusal;
use super::session::Session;
use super::stage::{Hello, Next, Stage};
use crate::model::account::User;
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::server::stream::Gone;
use crate::wire::sasl::{self, BadSasl, Mechanism, PlainCredentials};
use crate::wire::smtp::command::Auth;
use crate::wire::smtp::line::BadLine;
use crate::wire::smtp::reply::{self, Reply};

impl Session {
    /// Logs in.
    pub(super) async fn auth(&mut self, mut hello: Hello, auth: Auth) -> Result<(Stage, Next), Gone> {
        let mechanism = match self.may_log_in(&hello, &auth.mechanism) {
            Ok(mechanism) => mechanism,
            Err(no) => return Ok((Stage::Greeted(hello), Next::Say(no))),
        };
        let reply = match self.credentials(mechanism, auth.initial).await? {
            Ok(credentials) => self.check(&mut hello, &credentials).await,
            Err(bad) => spell(bad),
        };
        Ok((Stage::Greeted(hello), Next::Say(reply)))
    }

    fn may_log_in(&self, hello: &Hello, mechanism: &str) -> Result<Mechanism, Reply> {
        if self.door.role != super::Role::Submission {
            return Err(reply::NO_AUTH);
        }
        if !self.door.offers_auth(&self.stream) {
            return Err(reply::AUTH_NEEDS_TLS);
        }
        if hello.user.is_some() {
            return Err(reply::AUTH_ALREADY);
        }
        Mechanism::parse(mechanism).ok_or(reply::UNKNOWN_MECHANISM)
    }

    async fn credentials(&mut self, mechanism: Mechanism, initial: Option<Vec<u8>>) -> Result<Result<PlainCredentials, BadSasl>, Gone> {
        let first_challenge = match mechanism {
            Mechanism::Plain => "",
            Mechanism::Login => sasl::LOGIN_ASKS_NAME,
        };
        let first = match initial {
            Some(initial) => sasl::initial_response(&initial),
            None => self.ask(first_challenge).await?,
        };
        let first = match first {
            Ok(first) => first,
            Err(bad) => return Ok(Err(bad)),
        };
        match mechanism {
            Mechanism::Plain => Ok(sasl::plain(&first)),
            Mechanism::Login => {
                let second = self.ask(sasl::LOGIN_ASKS_PASSWORD).await?;
                Ok(second.and_then(|second| sasl::login(&first, &second)))
            }
        }
    }

    /// Says a challenge and reads the response.
    async fn ask(&mut self, challenge: &'static str) -> Result<Result<Vec<u8>, BadSasl>, Gone> {
        self.say(&reply::challenge(challenge));
        Ok(match self.line(sasl::MAX_RESPONSE).await? {
            Ok(line) => sasl::response(&line),
            Err(BadLine::TooLong) => Err(BadSasl::TooLong),
            Err(BadLine::BareLineEnd | BadLine::Null) => Err(BadSasl::NotBase64),
        })
    }

    async fn check(&mut self, hello: &mut Hello, credentials: &PlainCredentials) -> Reply {
        let PlainCredentials { authzid, login, password } = credentials;
        // RFC 4616 §2: to act as somebody else is a right that nobody has here.
        if authzid.as_ref().is_some_and(|authzid| !authzid.eq_ignore_ascii_case(login)) {
            return reply::AUTH_FAILED;
        }
        match self.log_in(login, password).await {
            Ok(user) => {
                hello.user = Some(user);
                reply::AUTH_OK
            }
            Err(refused) => refusal::spell_login(&refused),
        }
    }

    async fn log_in(&mut self, login: &str, password: &Secret) -> Result<Arc<User>, Refusal> {
        let entrance = &self.door.entrance;
        let login = entrance.directory.authenticate(login, password, self.stream.peer()).await?;
        let user = Arc::clone(&login.user);
        self.place = Some(entrance.enter(login, "submission", &self.stream).await?);
        Ok(user)
    }
}

fn spell(bad: BadSasl) -> Reply {
    match bad {
        BadSasl::Cancelled => reply::AUTH_CANCELLED,
        BadSasl::NotBase64 | BadSasl::Malformed => reply::AUTH_MALFORMED,
        BadSasl::TooLong => reply::AUTH_TOO_LONG,
    }
}
