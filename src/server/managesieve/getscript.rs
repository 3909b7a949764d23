//! GETSCRIPT (RFC 5804 §2.9).

use super::refusal;
use super::session::Session;
use crate::model::account::User;
use crate::wire::managesieve::response::{Response, literal_head};

/// Gives a script as it was stored.
pub(super) async fn getscript(session: &mut Session, user: &User, name: &str) -> Response {
    match session.door.filters.script(&user.login, name).await {
        Ok((_, text, _)) => {
            session.stream.write(literal_head(text.len()).as_bytes());
            session.stream.write(&text);
            session.say_line("");
            Response::ok("")
        }
        Err(refusal) => refusal::spell(&refusal),
    }
}
