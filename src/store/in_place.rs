//! Work of some microseconds, done by the thread that needs it.
//!
//! Another thread would have to be woken for it, and then this one again: ten times the work itself. The runtime is told before, so that
//! the other tasks of this thread go on elsewhere should the disk take its time.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::Error;

/// For so long what was read stays in memory.
pub const FRESH: Duration = Duration::from_secs(1);

/// Whether an answer is on the disk, or in memory since the same was asked a moment ago: then the disk has no time to take, and the
/// runtime need not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It may be on the disk.
    First,
    /// It is in memory.
    Again,
}

/// When something was last asked first.
#[derive(Debug, Default)]
pub struct LastAsked(Mutex<Option<Instant>>);

impl LastAsked {
    /// It is asked now.
    pub fn ask(&self) -> Asked {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if first.is_some_and(|first| now.saturating_duration_since(first) < FRESH) {
            return Asked::Again;
        }
        *first = Some(now);
        Asked::First
    }
}

/// Whether the runtime has threads that can take over the tasks of this one.
pub fn is_possible() -> bool {
    Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Does it here if it is in memory or if that [`is_possible`], else on a thread for such work.
///
/// # Errors
/// [`Error::Unusable`]: the work was broken off.
pub async fn in_place<T: Send + 'static>(asked: Asked, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    if asked == Asked::Again {
        return Ok(work());
    }
    if is_possible() {
        return Ok(tokio::task::block_in_place(work));
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Unusable(format!("disk work was broken off: {error}")))
}
