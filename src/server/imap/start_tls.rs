//! STARTTLS (RFC 3501 §6.2.1).

use crate::server::stream::{Gone, HANDSHAKE_TIMEOUT};

use super::outcome::{Done, Fault, Then};
use super::session::Session;

pub(super) fn start_tls(session: &Session) -> Result<Done, Fault> {
    if session.stream.is_tls() {
        return Err(Fault::bad("TLS is on already"));
    }
    Ok(Done {
        then: Then::Handshake,
        ..Done::new("begin TLS")
    })
}

/// The handshake, once the OK is on its way. What the client has sent before it must not count as said in secret: the stream refuses
/// such a session (CVE-2011-0411).
pub(super) async fn handshake(session: &mut Session) -> Result<(), Gone> {
    let config = std::sync::Arc::clone(&session.imap.entrance.tls);
    session.stream.start_tls(config, HANDSHAKE_TIMEOUT).await?;
    session.forget();
    Ok(())
}
