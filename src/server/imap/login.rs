//! LOGIN, and what every login ends with (RFC 3501 §6.2.3).

use std::time::Duration;

use crate::model::refusal::Refusal;
use crate::model::secret::Secret;
use crate::wire::imap::command::Login;
use crate::wire::imap::response::{Code, Word};

use super::outcome::{Done, Fault};
use super::session::{Session, State};

/// The longest wait after a failed login.
const LONGEST_PENALTY: Duration = Duration::from_secs(15);

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

/// Checks name and password. Each failure makes the next answer slower; the time for logging in bounds them all.
pub(super) async fn check(session: &mut Session, login: &str, password: &Secret) -> Result<Done, Fault> {
    let peer = session.stream.peer();
    let user = match session.imap.directory.authenticate(login, password, peer).await {
        Ok(user) => user,
        Err(refusal @ Refusal::TryLater { .. }) => return Err(refusal.into()),
        Err(refusal) => {
            session.failed_logins = session.failed_logins.saturating_add(1);
            tracing::info!(?peer, login, "IMAP login failed");
            let penalty = Duration::from_secs(1 << session.failed_logins.min(6)).min(LONGEST_PENALTY);
            tokio::time::sleep(penalty.min(session.patience())).await;
            return Err(refusal.into());
        }
    };
    if user.address.is_none() {
        return Err(Fault::no(Word::AuthorizationFailed, "this account has no mailbox"));
    }
    tracing::info!(?peer, login = user.login, tls = session.stream.is_tls(), "IMAP login");
    session.state = State::Authenticated(user);
    Ok(Done::with(Code::Capability(session.stage()), "logged in"))
}
