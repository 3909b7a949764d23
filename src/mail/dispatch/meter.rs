//! How many messages go to a lane in a time: the generic cell rate algorithm, with room for a tenth of a minute's messages at once.
//!
//! A meter is a time: when the next message would go if all went at even distances. It runs ahead of the clock by as much as was sent
//! early, and what runs too far ahead waits.

use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
/// The part of a minute's messages that may go at once.
const AT_ONCE: u32 = 10;

/// Messages in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate(u32);

impl Rate {
    /// None: no bound.
    pub(super) fn per_minute(messages: u64) -> Option<Self> {
        (messages > 0).then(|| Self(u32::try_from(messages).unwrap_or(u32::MAX)))
    }

    fn distance(self) -> Duration {
        MINUTE.checked_div(self.0).unwrap_or_default()
    }
}

/// What was sent of late.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meter {
    next: Instant,
}

impl Meter {
    pub(super) const fn new(now: Instant) -> Self {
        Self { next: now }
    }

    /// Counts a message that is to go now; or says when it may.
    pub(super) fn draw(&mut self, now: Instant, rate: Rate) -> Result<(), Instant> {
        let may_go = self.next.checked_sub(MINUTE / AT_ONCE).unwrap_or(now);
        if may_go > now {
            return Err(may_go);
        }
        self.next = self.next.max(now) + rate.distance();
        Ok(())
    }

    /// A message that was counted did not go.
    pub(super) fn refund(&mut self, rate: Rate) {
        self.next = self.next.checked_sub(rate.distance()).unwrap_or(self.next);
    }

    /// Whether it is as good as a new one.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.next <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_even_distances() {
        let start = Instant::now() + MINUTE;
        let mut now = start;
        let rate = Rate::per_minute(60).unwrap();
        let mut meter = Meter::new(now);
        let mut times = Vec::new();
        while times.len() < 30 {
            match meter.draw(now, rate) {
                Ok(()) => times.push((now - start).as_secs()),
                Err(later) => now = later,
            }
        }
        assert_eq!(times[..9], [0, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(times[29], 23, "six seconds' worth ahead");
        meter.refund(rate);
        assert!(meter.draw(now, rate).is_ok());
        assert!(!meter.is_idle(now) && meter.is_idle(now + Duration::from_secs(7)));
        assert_eq!(Rate::per_minute(0), None);
    }
}
