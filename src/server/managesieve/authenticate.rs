//! AUTHENTICATE (RFC 5804 §2.1).

use std::sync::Arc;

use super::refusal;
use super::session::{Answer, Ended, Session, State};
use crate::mail::directory::Login;
use crate::model::login::Protocol;
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::server::sasl::{self, Dialogue, Start, Stop};
use crate::wire::managesieve::response::{Code, Response, string};
use crate::wire::sasl::{BadSasl, Mechanism, challenge, response};

/// Does the exchange.
pub(super) async fn authenticate(
    session: &mut Session,
    state: &mut State,
    mechanism: Option<Mechanism>,
    initial: Option<&Secret>,
) -> Result<Answer, Ended> {
    let offer = session.door.entrance.offer(&session.stream);
    let mechanism = match mechanism {
        Some(mechanism) if offer.has(mechanism) => mechanism,
        Some(_) if !offer.login => return Ok(Answer::Say(Response::no(Some(Code::EncryptNeeded), "use STARTTLS first"))),
        _ => {
            return Ok(Answer::Say(Response::no(
                None,
                "this mechanism is not offered; CAPABILITY lists those that are",
            )));
        }
    };
    let initial = initial.map(|initial| initial.expose().as_bytes());
    let start = Start::new(Protocol::ManageSieve, mechanism, initial, &session.stream);
    let door = Arc::clone(&session.door);
    let said = match sasl::log_in(session, &door.entrance, start).await {
        Ok(login) => enter(session, state, login).await,
        Err(Stop::End(ended)) => return Err(ended),
        Err(Stop::Bad(bad)) => Response::no(None, bad.to_string()),
        Err(Stop::NotYourself) => Response::no(None, "nobody acts for another user here"),
        Err(Stop::Refused(refusal)) => refusal::spell(&refusal),
    };
    Ok(Answer::Say(said))
}

async fn enter(session: &Session, state: &mut State, login: Login) -> Response {
    let user = Arc::clone(&login.user);
    if user.address.is_none() {
        return refusal::spell(&Refusal::NotPermitted("this login has no mailbox".into()));
    }
    match session.door.entrance.enter(login, Protocol::ManageSieve, &session.stream).await {
        Ok(place) => {
            *state = State::LoggedIn { user, place };
            Response::ok("logged in")
        }
        Err(refusal) => refusal::spell(&refusal),
    }
}

impl Dialogue for Session {
    type End = Ended;

    async fn ask(&mut self, octets: &[u8]) -> Result<Result<Vec<u8>, BadSasl>, Ended> {
        self.say_line(&string(&challenge(octets)));
        Ok(match self.string().await? {
            Ok(text) => response(text.expose().as_bytes()),
            Err(_) => Err(BadSasl::Malformed),
        })
    }
}
