//! DELE — RFC 1939 §5.

use super::maildrop::Maildrop;
use crate::wire::pop3::command::MessageNumber;
use crate::wire::pop3::reply::{Reply, fixed};

/// Marks a message for removal at QUIT.
pub(super) fn dele(maildrop: &mut Maildrop, number: MessageNumber) -> Reply {
    if maildrop.scan.mark(number) {
        fixed::MARKED
    } else {
        fixed::NO_SUCH_MESSAGE
    }
}
