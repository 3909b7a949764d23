//! The room on the disk that new mail does not take: with it users can still log in, read, and delete what fills the disk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::mail::mailbox::blocking;
use crate::model::refusal::Refusal;
use crate::store::room::free_bytes;

/// How long an answer of the system is good.
const GOOD_FOR: Duration = Duration::from_millis(500);

/// Watches the disks of mail and spool. Cheap to clone.
#[derive(Clone)]
pub(super) struct Reserve {
    inner: Arc<Inner>,
}

struct Inner {
    directories: Vec<PathBuf>,
    keep: u64,
    seen: Mutex<Seen>,
}

/// What the system said the last time, and when it is to be asked again.
struct Seen {
    free: u64,
    until: Option<Instant>,
}

impl Reserve {
    /// Leaves `keep` octets free on the file systems of these directories. 0: no reserve.
    pub fn new(directories: Vec<PathBuf>, keep: u64) -> Self {
        let seen = Seen {
            free: u64::MAX,
            until: None,
        };
        Self {
            inner: Arc::new(Inner {
                directories,
                keep,
                seen: Mutex::new(seen),
            }),
        }
    }

    /// Whether so many octets may come. Errors: NoRoom.
    pub async fn check(&self, octets: u64) -> Result<(), Refusal> {
        if self.inner.keep == 0 {
            return Ok(());
        }
        if let Some(directories) = self.to_be_asked() {
            let least = |directories: Vec<PathBuf>| {
                let mut least = u64::MAX;
                for directory in directories {
                    least = least.min(free_bytes(&directory)?);
                }
                Ok(least)
            };
            match blocking(move || least(directories)).await {
                Ok(free) => self.seen().free = free,
                // Whether there is room shows when it is written.
                Err(error) => tracing::warn!(%error, "the disk does not say how full it is"),
            }
        }
        let free = self.seen().free;
        if free < self.inner.keep.saturating_add(octets) {
            tracing::warn!(free, reserve = self.inner.keep, "no mail is taken: the disk is nearly full");
            return Err(Refusal::NoRoom);
        }
        Ok(())
    }

    /// What to ask, when the last answer is too old. Others go on with that one until the new one is there.
    fn to_be_asked(&self) -> Option<Vec<PathBuf>> {
        let mut seen = self.seen();
        let now = Instant::now();
        if seen.until.is_some_and(|until| now < until) {
            return None;
        }
        seen.until = now.checked_add(GOOD_FOR);
        Some(self.inner.directories.clone())
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
