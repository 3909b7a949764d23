//! How fast one sender's messages leave: each gets its turn when it is entered, the first ones of a burst at once, the rest at even
//! distances. What is too much for the moment waits in the queue, and delays nobody else's mail.

use std::collections::HashMap;

use crate::model::address::EmailAddress;
use crate::model::ids::UserId;

const MINUTE_MS: i64 = 60_000;
/// The part of a minute's messages that may go at once.
const AT_ONCE: i64 = 10;
/// The most senders that are remembered; with more, those that have sent nothing of late are forgotten.
const MOST_SENDERS: usize = 10_000;

/// Who sends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Who {
    User(UserId),
    /// An address, in its canonical form.
    Address(String),
}

impl Who {
    /// A user, whatever address they send with; or else the address. Reports have neither and are not paced.
    pub(super) fn of(user: Option<UserId>, sender: Option<&EmailAddress>) -> Option<Self> {
        let address = || sender.map(|address| Self::Address(address.canonical()));
        sender.and(user).map(Self::User).or_else(address)
    }
}

/// When the next message of each sender would go if all went at even distances.
#[derive(Debug, Default)]
pub(super) struct Pace {
    next: HashMap<Who, i64>,
}

impl Pace {
    /// When the next message of a sender of so many in a minute may go, at the earliest. Times are milliseconds since 1970.
    pub(super) fn turn(&mut self, who: Who, now: i64, per_minute: u64) -> i64 {
        let per_minute = i64::try_from(per_minute).unwrap_or(i64::MAX).max(1);
        if self.next.len() >= MOST_SENDERS {
            self.next.retain(|_, next| *next > now);
        }
        let next = self.next.entry(who).or_insert(now);
        let turn = next.saturating_sub(MINUTE_MS / AT_ONCE).max(now);
        *next = (*next).max(now).saturating_add(MINUTE_MS / per_minute);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_senders_messages_get_their_turns() {
        let address = |text: &str| text.parse::<EmailAddress>().unwrap();
        let (ada, other) = (address("Ada@House.test"), address("bob@house.test"));
        let mut pace = Pace::default();
        let mut turn = |user, sender: &EmailAddress, now| pace.turn(Who::of(user, Some(sender)).unwrap(), now, 30);
        let turns: Vec<i64> = (0..7).map(|_| turn(None, &ada, 1_000)).collect();
        assert_eq!(turns, [1_000, 1_000, 1_000, 1_000, 3_000, 5_000, 7_000]);
        assert_eq!(turn(None, &address("ada@house.test"), 1_000), 9_000);
        assert_eq!(turn(None, &other, 1_000), 1_000);
        assert_eq!(turn(Some(UserId(1)), &ada, 1_000), 1_000);
        assert_eq!(turn(Some(UserId(1)), &other, 1_000), 1_000, "the user counts, whatever the address");
        assert_eq!(turn(None, &ada, 60_000), 60_000);
        assert_eq!(Who::of(Some(UserId(1)), None), None);
        assert_eq!(Who::of(None, None), None);
    }
}
