//! How fast one sender's messages leave: each gets its turn when it is entered, the first ones of a burst at once, the rest at even
//! distances. What is too much for the moment waits in the queue, and delays nobody else's mail.

use std::collections::HashMap;

use crate::mail::rate::{Meter, Rate};
use crate::model::address::EmailAddress;
use crate::model::ids::UserId;

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

/// What each sender has sent of late.
#[derive(Debug, Default)]
pub(super) struct Pace {
    meters: HashMap<Who, Meter<i64>>,
}

impl Pace {
    /// When the next message of a sender of so many in a minute may go, at the earliest. None, and nothing is counted, if that is after
    /// `last`. Times are milliseconds since 1970.
    pub(super) fn turn(&mut self, who: Who, now: i64, last: i64, per_minute: u64) -> Option<i64> {
        let Some(rate) = Rate::per_minute(per_minute) else {
            return Some(now);
        };
        if self.meters.len() >= MOST_SENDERS {
            self.meters.retain(|_, meter| !meter.is_idle(now));
        }
        let meter = self.meters.entry(who).or_insert_with(|| Meter::new(now));
        meter.turn(now, last, rate).ok()
    }

    /// A message that had its turn was not entered after all.
    pub(super) fn give_back(&mut self, who: &Who, per_minute: u64) {
        if let (Some(meter), Some(rate)) = (self.meters.get_mut(who), Rate::per_minute(per_minute)) {
            meter.refund(rate);
        }
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
        let mut turn = |user, sender: &EmailAddress, now| pace.turn(Who::of(user, Some(sender)).unwrap(), now, 70_000, 30).unwrap();
        let turns: Vec<i64> = (0..7).map(|_| turn(None, &ada, 1_000)).collect();
        assert_eq!(turns, [1_000, 1_000, 1_000, 1_000, 3_000, 5_000, 7_000]);
        assert_eq!(turn(None, &address("ada@house.test"), 1_000), 9_000);
        assert_eq!(turn(None, &other, 1_000), 1_000);
        assert_eq!(turn(Some(UserId(1)), &ada, 1_000), 1_000);
        assert_eq!(turn(Some(UserId(1)), &other, 1_000), 1_000, "the user counts, whatever the address");
        assert_eq!(turn(None, &ada, 60_000), 60_000);
        assert_eq!(Who::of(Some(UserId(1)), None), None);
        assert_eq!(Who::of(None, None), None);
        let who = || Who::of(None, Some(&other)).unwrap();
        assert!((0..100).all(|_| pace.turn(who(), 60_000, 1_000_000, 30).is_some()));
        assert_eq!(pace.turn(who(), 60_000, 250_000, 30), None, "not before its end");
        let before = pace.turn(who(), 60_000, 1_000_000, 30);
        pace.give_back(&who(), 30);
        assert_eq!(pace.turn(who(), 60_000, 1_000_000, 30), before);
    }
}
