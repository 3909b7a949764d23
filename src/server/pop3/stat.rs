//! STAT — RFC 1939 §5.

use super::maildrop::Maildrop;
use crate::wire::pop3::reply::{self, Reply};

/// How many messages of how many octets; marked ones do not count.
pub(super) fn stat(maildrop: &Maildrop) -> Reply {
    let (count, octets) = maildrop.scan.iter().fold((0_usize, 0_u64), |(count, octets), (_, message)| {
        (count.saturating_add(1), octets.saturating_add(message.size))
    });
    reply::stat(count, octets)
}
