//! RENAMESCRIPT (RFC 5804 §2.11).

use super::refusal;
use super::session::Session;
use crate::model::account::User;
use crate::wire::managesieve::response::Response;

/// Gives a script another name; the active one stays active.
pub(super) async fn renamescript(session: &Session, user: &User, from: &str, to: &str) -> Response {
    match session.filters(user).rename_script(&user.login, from, to).await {
        Ok(()) => Response::ok("renamed"),
        Err(refusal) => refusal::spell(&refusal),
    }
}
