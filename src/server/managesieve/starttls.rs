//! STARTTLS (RFC 5804 §2.2).

use std::sync::Arc;

use super::session::{Answer, Session, State};
use crate::server::stream::{Gone, HANDSHAKE_TIMEOUT};
use crate::wire::managesieve::response::Response;

/// Turns TLS on, and says what can be done now. What the client sent after STARTTLS in clear text ends the connection: it may be an
/// attacker's.
pub(super) async fn starttls(session: &mut Session, state: &State) -> Result<Answer, Gone> {
    if session.stream.is_tls() {
        return Ok(Answer::Say(Response::no(None, "TLS is on already")));
    }
    session.say(&Response::ok("begin TLS now"));
    let tls = Arc::clone(&session.door.entrance.tls);
    session.stream.start_tls(tls, HANDSHAKE_TIMEOUT).await?;
    session.list_capabilities(state);
    Ok(Answer::Say(Response::ok("TLS is on")))
}
