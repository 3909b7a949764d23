//! AUTH — RFC 5034 §4, with the PLAIN mechanism of RFC 4616 §2.

use super::login::log_in;
use super::session::{Answer, Ended, Session, State};
use crate::wire::pop3::command::{Auth, MAX_SASL_LINE};
use crate::wire::pop3::reply::{Reply, fixed};
use crate::wire::sasl::{self, BadSasl, PlainCredentials};

/// Lists the mechanisms, or does the exchange.
pub(super) async fn auth(session: &mut Session, state: &mut State, auth: Auth) -> Result<Answer, Ended> {
    let initial = match auth {
        Auth::List => return list(session).await,
        Auth::Unknown => return Ok(Answer::Line(fixed::UNKNOWN_MECHANISM)),
        Auth::Plain(_) if !session.may_log_in() => return Ok(Answer::Line(fixed::TLS_FIRST)),
        Auth::Plain(initial) => initial,
    };
    let credentials = match initial {
        Some(initial) => sasl::initial_response(initial.expose().as_bytes()),
        None => {
            session.say(&Reply::GoOn);
            sasl::response(&session.line(state, MAX_SASL_LINE).await?)
        }
    };
    Ok(Answer::Line(match credentials.and_then(|octets| sasl::plain(&octets)) {
        Ok(credentials) => plain(session, state, credentials).await,
        Err(BadSasl::Cancelled) => fixed::CANCELLED,
        Err(bad) => Reply::err(bad.to_string()),
    }))
}

async fn list(session: &mut Session) -> Result<Answer, Ended> {
    session.say(&fixed::LIST_FOLLOWS);
    if session.may_log_in() {
        session.say_line("PLAIN").await?;
    }
    Ok(session.end_lines())
}

async fn plain(session: &mut Session, state: &mut State, credentials: PlainCredentials) -> Reply {
    let PlainCredentials { authzid, login, password } = credentials;
    if authzid.is_some_and(|authzid| !authzid.eq_ignore_ascii_case(&login)) {
        return fixed::NO_PROXY;
    }
    log_in(session, state, &login, &password).await
}
