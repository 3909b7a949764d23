//! USER — RFC 1939 §7.

use super::session::Session;
use crate::wire::pop3::reply::{Reply, fixed};

/// Keeps the name for PASS. Refused without TLS, so that the client does not even send the password.
pub(super) fn user(session: &Session, user: &mut Option<String>, name: String) -> Reply {
    if !session.may_log_in() {
        return fixed::TLS_FIRST;
    }
    *user = Some(name);
    fixed::PASSWORD_PLEASE
}
