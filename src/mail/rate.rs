//! How much may come or go in a time: the generic cell rate algorithm.
//!
//! A meter is a moment: when the next one would go if all went at even distances. It runs ahead of the clock by as much as went early, and
//! what runs too far ahead waits. The queue, the lanes of delivery and the door for strangers measure by it.

use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// The part of a time's ones that may go at once.
const AT_ONCE: u32 = 10;

/// So many in a time, a tenth of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mail) struct Rate {
    distance: Duration,
    ahead: Duration,
}

impl Rate {
    /// None: no bound.
    pub(in crate::mail) fn per_minute(count: u64) -> Option<Self> {
        Self::per(MINUTE, count)
    }

    /// None: no bound.
    pub(in crate::mail) fn per_hour(count: u64) -> Option<Self> {
        Self::per(HOUR, count)
    }

    fn per(time: Duration, count: u64) -> Option<Self> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Some(Self {
            distance: time.checked_div(count)?,
            ahead: time / AT_ONCE,
        })
    }
}

/// A moment, of whatever clock.
pub(in crate::mail) trait Moment: Copy + Ord {
    /// So much later.
    fn later(self, by: Duration) -> Self;
    /// So much earlier, or as early as there is.
    fn earlier(self, by: Duration) -> Self;
}

impl Moment for Instant {
    fn later(self, by: Duration) -> Self {
        self + by
    }

    fn earlier(self, by: Duration) -> Self {
        self.checked_sub(by).unwrap_or(self)
    }
}

/// Milliseconds since 1970.
impl Moment for i64 {
    fn later(self, by: Duration) -> Self {
        self.saturating_add(Self::try_from(by.as_millis()).unwrap_or(Self::MAX))
    }

    fn earlier(self, by: Duration) -> Self {
        self.saturating_sub(Self::try_from(by.as_millis()).unwrap_or(Self::MAX))
    }
}

/// What went of late.
#[derive(Debug, Clone, Copy)]
pub(in crate::mail) struct Meter<T> {
    next: T,
}

impl<T: Moment> Meter<T> {
    pub(in crate::mail) const fn new(now: T) -> Self {
        Self { next: now }
    }

    /// Counts one that is to go at its turn, at the earliest now; when that is. Errors: its turn, which is after `last`, and it does not
    /// count.
    pub(in crate::mail) fn turn(&mut self, now: T, last: T, rate: Rate) -> Result<T, T> {
        let turn = self.next.earlier(rate.ahead).max(now);
        if turn > last {
            return Err(turn);
        }
        self.next = self.next.max(now).later(rate.distance);
        Ok(turn)
    }

    /// Counts one that is to go now; or says when it may.
    pub(in crate::mail) fn draw(&mut self, now: T, rate: Rate) -> Result<(), T> {
        self.turn(now, now, rate).map(drop)
    }

    /// One that was counted did not go.
    pub(in crate::mail) fn refund(&mut self, rate: Rate) {
        self.next = self.next.earlier(rate.distance);
    }

    /// Whether it is as good as a new one.
    pub(in crate::mail) fn is_idle(&self, now: T) -> bool {
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

    #[test]
    fn turns_are_given_up_to_the_last_moment() {
        let (mut meter, rate) = (Meter::new(1_000), Rate::per_hour(60).unwrap());
        let turns: Vec<i64> = (0..9).map(|_| meter.turn(1_000, i64::MAX, rate).unwrap()).collect();
        assert_eq!(turns, [1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 61_000, 121_000]);
        assert_eq!(meter.turn(1_000, 180_999, rate), Err(181_000));
        assert_eq!(meter.turn(1_000, 181_000, rate), Ok(181_000));
    }
}
