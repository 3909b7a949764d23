//! How far a long search is: `* OK [INPROGRESS ("a" 512 100000)]` (RFC 9585 §3).

use std::time::{Duration, Instant};

use crate::server::stream::Gone;
use crate::wire::imap::response::{Code, Status, status};

use super::Asked;

/// Tells the client now and then.
pub(super) struct Progress<'a, 'b> {
    asked: &'a mut Asked<'b>,
    every: Duration,
    last: Instant,
}

impl<'a, 'b> Progress<'a, 'b> {
    pub(super) fn new(asked: &'a mut Asked<'b>) -> Self {
        Self {
            every: Duration::from_millis(asked.settings.progress_milliseconds),
            last: Instant::now(),
            asked,
        }
    }

    /// So many of so many are done. Also where the client is noticed to be gone.
    pub(super) async fn step(&mut self, done: usize, all: usize) -> Result<(), Gone> {
        if self.last.elapsed() < self.every {
            return Ok(());
        }
        self.last = Instant::now();
        let code = Code::InProgress(self.asked.tag.clone(), done as u64, all as u64);
        let mut out = Vec::new();
        status(&mut out, None, Status::Ok, Some(&code), "still searching");
        self.asked.stream.write(&out);
        self.asked.stream.flush().await
    }
}
