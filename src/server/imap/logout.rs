//! LOGOUT (RFC 3501 §6.1.3).

use crate::wire::imap::response::Status;

use super::outcome::Done;
use super::session::{Session, State};

pub(super) fn logout(session: &mut Session) -> Done {
    session.say(None, Status::Bye, None, "until next time");
    session.state = State::LoggedOut;
    Done::new("logged out")
}
