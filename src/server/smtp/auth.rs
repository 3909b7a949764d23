//! AUTH: RFC 4954 §4.

use std::sync::Arc;

use super::refusal;
use super::session::Session;
use super::stage::{Hello, Next, Stage};
use crate::model::account::User;
use crate::model::login::Protocol;
use crate::server::sasl::{self, Dialogue, Start, Stop};
use crate::server::stream::Gone;
use crate::wire::sasl::{BadSasl, MAX_RESPONSE, Mechanism, response};
use crate::wire::smtp::command::Auth;
use crate::wire::smtp::line::BadLine;
use crate::wire::smtp::reply::{self, Reply};

impl Session {
    /// Logs in.
    pub(super) async fn auth(&mut self, mut hello: Hello, auth: Auth) -> Result<(Stage, Next), Gone> {
        let reply = match self.may_log_in(&hello, &auth.mechanism) {
            Ok(mechanism) => match self.log_in(mechanism, auth.initial).await {
                Ok(user) => {
                    hello.user = Some(user);
                    reply::AUTH_OK
                }
                Err(Stop::End(gone)) => return Err(gone),
                Err(Stop::Bad(bad)) => spell(bad),
                Err(Stop::NotYourself) => reply::AUTH_FAILED,
                Err(Stop::Refused(refused)) => refusal::spell_login(&refused),
            },
            Err(no) => no,
        };
        Ok((Stage::Greeted(hello), Next::Say(reply)))
    }

    fn may_log_in(&self, hello: &Hello, mechanism: &str) -> Result<Mechanism, Reply> {
        if self.door.role != super::Role::Submission {
            return Err(reply::NO_AUTH);
        }
        let offer = self.door.entrance.offer(&self.stream);
        if !offer.login {
            return Err(reply::AUTH_NEEDS_TLS);
        }
        if hello.user.is_some() {
            return Err(reply::AUTH_ALREADY);
        }
        Mechanism::parse(mechanism)
            .filter(|mechanism| offer.has(*mechanism))
            .ok_or(reply::UNKNOWN_MECHANISM)
    }

    async fn log_in(&mut self, mechanism: Mechanism, initial: Option<Vec<u8>>) -> Result<Arc<User>, Stop<Gone>> {
        let start = Start::new(Protocol::Submission, mechanism, initial.as_deref(), &self.stream);
        let door = Arc::clone(&self.door);
        let login = sasl::log_in(self, &door.entrance, start).await?;
        let user = Arc::clone(&login.user);
        self.place = Some(door.entrance.enter(login, Protocol::Submission, &self.stream).await?);
        Ok(user)
    }
}

impl Dialogue for Session {
    type End = Gone;

    async fn ask(&mut self, challenge: &[u8]) -> Result<Result<Vec<u8>, BadSasl>, Gone> {
        self.say(&reply::challenge(challenge));
        Ok(match self.line(MAX_RESPONSE).await? {
            Ok(line) => response(&line),
            Err(BadLine::TooLong) => Err(BadSasl::TooLong),
            Err(BadLine::BareLineEnd | BadLine::Null) => Err(BadSasl::NotBase64),
        })
    }
}

fn spell(bad: BadSasl) -> Reply {
    match bad {
        BadSasl::Cancelled => reply::AUTH_CANCELLED,
        BadSasl::NotBase64 | BadSasl::Malformed => reply::AUTH_MALFORMED,
        BadSasl::TooLong => reply::AUTH_TOO_LONG,
    }
}
