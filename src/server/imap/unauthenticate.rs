//! UNAUTHENTICATE (RFC 8437 §3).

use crate::server::stream::Gone;
use crate::wire::imap::response::Status;

use super::outcome::{Done, Fault};
use super::session::Session;

pub(super) fn unauthenticate(session: &mut Session) -> Result<Done, Fault> {
    if !session.imap.settings.unauthenticate {
        return Err(Fault::bad("that is not done here"));
    }
    // RFC 8437 §3: a NO is not permitted, and where a compressed stream ends cannot be seen in what the client may have sent behind it.
    if session.stream.is_compressed() {
        session.say(None, Status::Bye, None, "a compressed connection ends here");
        return Err(Gone::Closed.into());
    }
    session.log_out();
    Ok(Done::new("logged out, log in again"))
}
