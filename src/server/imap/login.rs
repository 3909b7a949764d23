//! LOGIN, and what every login ends with (RFC 3501 §6.2.3).

use std::sync::Arc;

use crate::mail::directory;
use crate::model::login::Protocol;
use crate::wire::imap::command::Login;
use crate::wire::imap::response::{Code, Word};

use super::outcome::{Done, Fault};
use super::session::{Session, State};

pub(super) async fn login(session: &mut Session, login: Login) -> Result<Done, Fault> {
    may_log_in(session)?;
    let directory = &session.imap.entrance.directory;
    let login = directory
        .authenticate(&login.login, &login.password, session.stream.visit(Protocol::Imap))
        .await?;
    enter(session, login).await
}

/// RFC 3501 §6.2.3 LOGINDISABLED: no password in clear text.
pub(super) fn may_log_in(session: &Session) -> Result<(), Fault> {
    if session.imap.entrance.takes_passwords(&session.stream) {
        return Ok(());
    }
    Err(Fault::no(Word::PrivacyRequired, "start TLS first"))
}

/// What every login ends with: a place among the sessions.
pub(super) async fn enter(session: &mut Session, login: directory::Login) -> Result<Done, Fault> {
    let user = Arc::clone(&login.user);
    if user.address.is_none() {
        return Err(Fault::no(Word::AuthorizationFailed, "this account has no mailbox"));
    }
    let place = session.imap.entrance.enter(login, Protocol::Imap, &session.stream).await?;
    session.stream.ends_with(place.end());
    session.place = Some(place);
    tracing::info!(peer = ?session.stream.peer(), login = user.login, tls = session.stream.is_tls(), "IMAP login");
    session.imap.mailboxes.make_ready(&user).await;
    session.state = State::Authenticated(user);
    Ok(Done::with(Code::Capability(session.stage()), "logged in"))
}
