//! CHECKSCRIPT (RFC 5804 §2.12).

use super::refusal;
use super::session::Session;
use crate::model::account::User;
use crate::wire::managesieve::response::{Code, Response};

/// Says whether a script is right, and stores nothing.
pub(super) async fn checkscript(session: &Session, user: &User, text: &[u8]) -> Response {
    let filters = &session.door.filters;
    if text.len() > session.door.settings.max_script_bytes {
        return Response::no(Some(Code::MaxSize), "the script is too large");
    }
    match filters.check_script(&user.login, "script", text).await {
        Ok(problems) if problems.is_empty() => Response::ok("the script is right"),
        Ok(problems) => refusal::wrong(&problems),
        Err(refusal) => refusal::spell(&refusal),
    }
}
