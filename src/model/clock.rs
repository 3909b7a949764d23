//! The time, as a parameter: services ask a [`Clock`], so that a test can move it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

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

/// The time that the database keeps as `ms`; a number outside of the calendar becomes its nearest end.
pub fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
