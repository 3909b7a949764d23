//! STLS — RFC 2595 §4.

use std::sync::Arc;

use super::session::{Answer, Session, State};
use crate::server::stream::{Gone, HANDSHAKE_TIMEOUT};
use crate::wire::pop3::reply::fixed;

/// Turns TLS on. What the client sent after STLS in clear text ends the connection: it may be an attacker's.
pub(super) async fn stls(session: &mut Session, state: &mut State) -> Result<Answer, Gone> {
    if session.stream.is_tls() {
        return Ok(Answer::Line(fixed::TLS_ALREADY));
    }
    session.say(&fixed::START_TLS);
    let tls = Arc::clone(&session.pop3.entrance.tls);
    session.stream.start_tls(tls, HANDSHAKE_TIMEOUT).await?;
    // RFC 2595 §4: nothing that was said in clear text counts.
    *state = State::START;
    Ok(Answer::Written)
}
