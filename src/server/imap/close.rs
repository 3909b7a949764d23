//! CLOSE and UNSELECT (RFC 3501 §6.4.2, RFC 3691 §2).

use crate::model::rights::Rights;

use super::outcome::{Done, Fault};
use super::session::{Session, State};

/// Removes what is marked \Deleted without a word of it, then leaves.
pub(super) async fn close(session: &mut Session) -> Result<Done, Fault> {
    if let State::Selected(_, selected) = &session.state
        && !selected.read_only
        // RFC 4314 §4: without the right to, nothing is removed, and nobody hears of it.
        && selected.rights.contains(Rights::EXPUNGE)
    {
        selected.mailbox.expunge(None).await?;
    }
    leave(session);
    Ok(Done::new("the mailbox is closed"))
}

pub(super) fn unselect(session: &mut Session) -> Done {
    leave(session);
    Done::new("the mailbox is closed, nothing was removed")
}

/// No mailbox is selected any more. Whether one was.
pub(super) fn leave(session: &mut Session) -> bool {
    let State::Selected(user, selected) = &session.state else {
        return false;
    };
    session.condstore |= selected.condstore;
    session.state = State::Authenticated(std::sync::Arc::clone(user));
    true
}
