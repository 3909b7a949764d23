//! What PASS and AUTH have in common: from AUTHORIZATION to TRANSACTION (RFC 1939 §4).

use std::sync::Arc;

use super::maildrop::Maildrop;
use super::refusal;
use super::session::{Session, State};
use crate::mail::directory::Login;
use crate::model::login::Protocol;
use crate::model::refusal::Refusal;
use crate::wire::pop3::reply::{self, Reply, fixed};

/// Opens the maildrop; without success the session may try again from the start.
pub(super) async fn enter(session: &mut Session, state: &mut State, login: Login) -> Reply {
    *state = State::START;
    match open(session, login).await {
        Ok(maildrop) => {
            *state = State::Transaction(maildrop);
            fixed::LOGGED_IN
        }
        Err(reply) => reply,
    }
}

async fn open(session: &mut Session, login: Login) -> Result<Maildrop, Reply> {
    let (pop3, stream) = (&session.pop3, &session.stream);
    let user = Arc::clone(&login.user);
    if user.address.is_none() {
        return Err(refusal::spell(&Refusal::NotPermitted("this login has no mailbox".into())));
    }
    if let Some(seconds) = pop3.delay.too_soon(user.id) {
        return Err(reply::login_delay(seconds));
    }
    let place = pop3.entrance.enter(login, Protocol::Pop3, stream).await;
    let place = place.map_err(|refusal| refusal::spell(&refusal))?;
    let maildrop = Maildrop::open(&pop3.mailboxes, &user).await?;
    pop3.delay.note(user.id);
    session.place = Some(place);
    Ok(maildrop)
}
