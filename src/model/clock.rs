//! The time, as a parameter: services ask a [`Clock`], so that a test can move it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use jiff::Timestamp;

/// The milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// Where the house reads the time.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that only moves when it is told to: milliseconds since 1970.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Now, to the millisecond: what is kept and read again is the same as what was shown.
    pub fn now(&self) -> Timestamp {
        timestamp(self.now_ms())
    }

    /// Milliseconds since 1970, the form in which the database keeps times.
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::System => Timestamp::now().as_millisecond(),
            Self::Manual(ms) => ms.load(Ordering::SeqCst),
        }
    }
}

/// So many seconds of a setting, in the unit of [`Clock::now_ms`]; as much as there is room for.
pub fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

/// Notices that a clock went back: times that were reckoned before lie too far ahead since.
#[derive(Debug)]
pub struct Steps {
    clock: Clock,
    last_ms: i64,
    at: Instant,
}

impl Steps {
    /// So much, in milliseconds, a clock may be slowed down between two looks without having gone back.
    const SLACK_MS: i64 = 30_000;

    /// Looks for the first time.
    pub fn of(clock: Clock) -> Self {
        Self {
            last_ms: clock.now_ms(),
            at: Instant::now(),
            clock,
        }
    }

    /// Looks again; how many milliseconds the clock went back since the last look, if it did.
    pub fn back(&mut self) -> Option<i64> {
        let (now_ms, at) = (self.clock.now_ms(), Instant::now());
        let passed = i64::try_from(at.duration_since(self.at).as_millis()).unwrap_or(i64::MAX);
        let back = self.last_ms.saturating_add(passed).saturating_sub(now_ms);
        (self.last_ms, self.at) = (now_ms, at);
        (back > Self::SLACK_MS).then_some(back)
    }
}

/// The time that the database keeps as `ms`; a number outside of the calendar becomes its nearest end.
pub fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_back_is_noticed_once() {
        let time = Arc::new(AtomicI64::new(1_000_000_000));
        let mut steps = Steps::of(Clock::Manual(Arc::clone(&time)));
        assert_eq!(steps.back(), None);
        time.fetch_add(86_400_000, Ordering::SeqCst);
        assert_eq!(steps.back(), None, "ahead");
        time.fetch_sub(3_600_000, Ordering::SeqCst);
        assert!(steps.back().is_some_and(|ms| (3_600_000..3_610_000).contains(&ms)));
        assert_eq!(steps.back(), None);
        time.fetch_sub(1_000, Ordering::SeqCst);
        assert_eq!(steps.back(), None, "a second is nothing");
    }
}
