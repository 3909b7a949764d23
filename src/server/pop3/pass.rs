//! PASS — RFC 1939 §7.

use super::login::log_in;
use super::session::{Session, State};
use crate::model::secret::Secret;
use crate::wire::pop3::reply::{Reply, fixed};

/// The password for the name that USER gave.
pub(super) async fn pass(session: &mut Session, state: &mut State, password: Secret) -> Reply {
    match state {
        State::Authorization { user: Some(user) } => {
            let user = std::mem::take(user);
            log_in(session, state, &user, &password).await
        }
        State::Authorization { user: None } if !session.may_log_in() => fixed::TLS_FIRST,
        State::Authorization { user: None } => fixed::USER_FIRST,
        State::Transaction(_) => fixed::LOGGED_IN_ALREADY,
    }
}
