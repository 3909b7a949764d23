//! Work of some microseconds, done by the thread that needs it.
//!
//! Waiting for another thread that does it takes ten times the work itself. The runtime is told before, so that the other tasks of this
//! thread go on elsewhere should the disk take its time. It need not be where the same was read a moment ago, and is in memory.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::Error;

/// For so long what was read is taken to be in memory.
pub const FRESH: Duration = Duration::from_secs(1);

/// Whether an answer may be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It may be.
    First,
    /// It was read within [`FRESH`], so that the disk has no time to take.
    Again,
}

/// When something was last read from where it may be on the disk.
#[derive(Debug, Default)]
pub struct LastRead(Mutex<Option<Instant>>);

impl LastRead {
    /// Whether it is in memory. For as long as the first answer takes, it is not for anybody.
    pub fn asked(&self) -> Asked {
        let read = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match read.is_some_and(|read| read.elapsed() < FRESH) {
            true => Asked::Again,
            false => Asked::First,
        }
    }

    /// It was read.
    pub fn answered(&self, asked: Asked) {
        if asked == Asked::First {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }
}

/// Whether the runtime has threads that can take over the tasks of this one.
pub fn is_possible() -> bool {
    Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Does it here, where that [`is_possible`].
pub fn here<T>(asked: Asked, work: impl FnOnce() -> T) -> T {
    match asked {
        Asked::First => tokio::task::block_in_place(work),
        Asked::Again => work(),
    }
}

/// Does it here if that [`is_possible`], else on a thread for such work.
///
/// # Errors
/// [`Error::Unusable`]: the work was broken off.
pub async fn in_place<T: Send + 'static>(asked: Asked, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    if is_possible() {
        return Ok(here(asked, work));
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Unusable(format!("disk work was broken off: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_answered_yet_is_not_in_memory() {
        let read = LastRead::default();
        assert_eq!([read.asked(), read.asked()], [Asked::First, Asked::First]);
        read.answered(Asked::Again);
        assert_eq!(read.asked(), Asked::First);
        read.answered(Asked::First);
        assert_eq!(read.asked(), Asked::Again);
    }

    #[test]
    fn it_is_done_whatever_the_runtime() {
        let here = std::thread::current().id();
        let many = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let one = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for asked in [Asked::First, Asked::Again] {
            let work = || std::thread::current().id();
            assert_eq!(many.block_on(in_place(asked, work)).unwrap(), here);
            assert_ne!(one.block_on(in_place(asked, work)).unwrap(), here);
        }
    }
}
