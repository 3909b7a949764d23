//! AUTH — RFC 5034 §4.

use std::sync::Arc;

use super::login::enter;
use super::refusal;
use super::session::{Answer, Ended, Session, State};
use crate::model::login::Protocol;
use crate::server::sasl::{self, Dialogue, Start, Stop};
use crate::wire::pop3::command::{Auth, MAX_SASL_LINE};
use crate::wire::pop3::reply::{Reply, fixed};
use crate::wire::sasl::{BadSasl, Mechanism, response};

/// Lists the mechanisms, or does the exchange.
pub(super) async fn auth(session: &mut Session, state: &mut State, auth: Auth) -> Result<Answer, Ended> {
    let offer = session.pop3.entrance.offer(&session.stream);
    let Auth::Named { mechanism, initial } = auth else {
        session.say(&fixed::LIST_FOLLOWS);
        for mechanism in offer.mechanisms() {
            session.say_line(mechanism.as_str()).await?;
        }
        return Ok(session.end_lines());
    };
    *state = State::START;
    let mechanism = match mechanism {
        Some(mechanism) if offer.has(mechanism) => mechanism,
        Some(_) if !offer.login => return Ok(Answer::Line(fixed::TLS_FIRST)),
        _ => return Ok(Answer::Line(fixed::UNKNOWN_MECHANISM)),
    };
    let initial = initial.as_ref().map(|initial| initial.expose().as_bytes());
    let reply = exchange(session, state, (mechanism, initial)).await?;
    Ok(Answer::Line(reply))
}

async fn exchange(session: &mut Session, state: &mut State, (mechanism, initial): (Mechanism, Option<&[u8]>)) -> Result<Reply, Ended> {
    let start = Start::new(Protocol::Pop3, mechanism, initial, &session.stream);
    let pop3 = Arc::clone(&session.pop3);
    let login = match sasl::log_in(session, &pop3.entrance, start).await {
        Ok(login) => login,
        Err(Stop::End(ended)) => return Err(ended),
        Err(Stop::Bad(BadSasl::Cancelled)) => return Ok(fixed::CANCELLED),
        Err(Stop::Bad(bad)) => return Ok(Reply::err(bad.to_string())),
        Err(Stop::NotYourself) => return Ok(fixed::NO_PROXY),
        Err(Stop::Refused(refusal)) => return Ok(refusal::spell(&refusal)),
    };
    Ok(enter(session, state, login).await)
}

impl Dialogue for Session {
    type End = Ended;

    async fn ask(&mut self, challenge: &[u8]) -> Result<Result<Vec<u8>, BadSasl>, Ended> {
        self.say(&Reply::Challenge(challenge.into()));
        // Nobody is logged in amid an exchange, so the time for logging in counts.
        Ok(response(&self.line(&State::START, MAX_SASL_LINE).await?))
    }
}
