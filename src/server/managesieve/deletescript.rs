//! DELETESCRIPT (RFC 5804 §2.10).

use super::refusal;
use super::session::Session;
use crate::model::account::User;
use crate::model::revision::Expectation;
use crate::wire::managesieve::response::Response;

/// Removes a script that is not active.
pub(super) async fn deletescript(session: &Session, user: &User, name: &str) -> Response {
    match session
        .filters(user)
        .remove_script(&user.login, name, &Expectation::default())
        .await
    {
        Ok(()) => Response::ok("removed"),
        Err(refusal) => refusal::spell(&refusal),
    }
}
