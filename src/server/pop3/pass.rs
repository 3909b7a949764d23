//! PASS — RFC 1939 §7.

use super::login::enter;
use super::refusal;
use super::session::{Session, State};
use crate::model::login::Protocol;
use crate::model::secret::Secret;
use crate::wire::pop3::reply::{Reply, fixed};

/// The password for the name that USER gave.
pub(super) async fn pass(session: &mut Session, state: &mut State, password: Secret) -> Reply {
    let user = match state {
        _ if !session.may_log_in() => return fixed::TLS_FIRST,
        State::Authorization { user: Some(user) } => std::mem::take(user),
        State::Authorization { user: None } => return fixed::USER_FIRST,
        State::Transaction(_) => return fixed::LOGGED_IN_ALREADY,
    };
    *state = State::START;
    let directory = &session.pop3.entrance.directory;
    match directory.authenticate(&user, &password, session.stream.visit(Protocol::Pop3)).await {
        Ok(login) => enter(session, state, login).await,
        Err(refusal) => refusal::spell(&refusal),
    }
}
