//! LOGIN, and what every login ends with (RFC 3501 §6.2.3).

use std::sync::Arc;

use crate::model::secret::Secret;
use crate::wire::imap::command::Login;
use crate::wire::imap::response::{Code, Word};

use super::outcome::{Done, Fault};
use super::session::{Session, State};

pub(super) async fn login(session: &mut Session, login: Login) -> Result<Done, Fault> {
    may_log_in(session)?;
    check(session, &login.login, &login.password).await
}

/// RFC 3501 §6.2.3 LOGINDISABLED: no password in clear text.
pub(super) fn may_log_in(session: &Session) -> Result<(), Fault> {
    if session.stage().can_log_in {
        return Ok(());
    }
    Err(Fault::no(Word::PrivacyRequired, "start TLS first"))
}

/// Checks name and password.
pub(super) async fn check(session: &mut Session, login: &str, password: &Secret) -> Result<Done, Fault> {
    let peer = session.stream.peer();
    let login = session.imap.entrance.directory.authenticate(login, password, peer).await?;
    let user = Arc::clone(&login.user);
    if user.address.is_none() {
        return Err(Fault::no(Word::AuthorizationFailed, "this account has no mailbox"));
    }
    let place = session.imap.entrance.enter(login, "imap", &session.stream).await?;
    session.stream.ends_with(place.end());
    session.place = Some(place);
    tracing::info!(?peer, login = user.login, tls = session.stream.is_tls(), "IMAP login");
    session.state = State::Authenticated(user);
    Ok(Done::with(Code::Capability(session.stage()), "logged in"))
}
