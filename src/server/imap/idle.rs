//! IDLE: changes are told as they happen, until the client says DONE (RFC 2177 §3).

use crate::wire::imap::frame;

use super::notify;
use super::outcome::{Done, Fault};
use super::session::Session;
use super::wake::{Wake, Woken};

/// The longest line that may end an IDLE.
const MAX_DONE: usize = 64;

pub(super) async fn idle(session: &mut Session) -> Result<Done, Fault> {
    session.stream.write(b"+ idling\r\n");
    let mut wake = Wake::new(session);
    loop {
        // RFC 5465 §4: with NOTIFY, just what the client wants to hear of.
        Box::pin(notify::tell(session)).await?;
        if let Some(length) = frame::line(session.stream.input()) {
            let line = session.take(length);
            return if line.trim_ascii().eq_ignore_ascii_case(b"DONE") {
                Ok(Done::new("no longer idle"))
            } else {
                Err(Fault::bad("DONE ends IDLE"))
            };
        }
        if session.stream.input().len() > MAX_DONE {
            return Err(Fault::bad("DONE ends IDLE"));
        }
        if wake.next(session).await? == Woken::Client {
            session.fill().await?;
        }
    }
}
