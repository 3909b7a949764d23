//! SETACTIVE (RFC 5804 §2.8).

use super::refusal;
use super::session::Session;
use crate::model::account::User;
use crate::wire::managesieve::response::Response;

/// Makes a script the one that filters mail, or none.
pub(super) async fn setactive(session: &Session, user: &User, name: Option<&str>) -> Response {
    match session.filters(user).activate_script(&user.login, name).await {
        Ok(()) => Response::ok("done"),
        Err(refusal) => refusal::spell(&refusal),
    }
}
