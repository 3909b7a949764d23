//! CAPA — RFC 2449 §5.

use super::session::{Answer, Session, State};
use crate::server::stream::Gone;
use crate::wire::pop3::capability::{Stage, capabilities};
use crate::wire::pop3::reply::fixed;

/// Lists what this session can do in its state.
pub(super) async fn capa(session: &mut Session, state: &State) -> Result<Answer, Gone> {
    // RFC 2595 §4: STLS only before the login.
    let can_start_tls = !session.stream.is_tls() && matches!(state, State::Authorization { .. });
    session.say(&fixed::LIST_FOLLOWS);
    let stage = Stage {
        offer: session.pop3.entrance.offer(&session.stream),
        can_start_tls,
        login_delay: session.pop3.settings.pop3_login_delay_seconds,
    };
    for line in capabilities(stage) {
        session.say_line(&line).await?;
    }
    Ok(session.end_lines())
}
