//! LISTSCRIPTS (RFC 5804 §2.7).

use super::refusal;
use super::session::Session;
use crate::model::account::User;
use crate::wire::managesieve::response::{Response, string};

/// Lists the names, and which script is active.
pub(super) async fn listscripts(session: &mut Session, user: &User) -> Response {
    match session.door.filters.scripts(&user.login).await {
        Ok(scripts) => {
            for script in scripts {
                let active = if script.active { " ACTIVE" } else { "" };
                session.say_line(&format!("{}{active}", string(&script.name)));
            }
            Response::ok("")
        }
        Err(refusal) => refusal::spell(&refusal),
    }
}
