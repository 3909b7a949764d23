//! RSET — RFC 1939 §5.

use super::maildrop::Maildrop;
use crate::wire::pop3::reply::{Reply, fixed};

/// Takes the marks of all messages away.
pub(super) fn rset(maildrop: &mut Maildrop) -> Reply {
    maildrop.scan.unmark_all();
    fixed::UNMARKED
}
