//! How long a peer may take for octets that it has begun to send, whatever portions they come in.
//!
//! A wait for each portion alone would let one octet a minute hold a connection for days. Here each octet that comes buys as much
//! time as the slowest peer may need for it, up to the full wait; our own work on the octets costs the peer nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::stream::{Gone, Stream};

/// The time that is left to a peer.
#[derive(Debug)]
pub(super) struct Pace {
    most: Duration,
    left: Duration,
    /// Octets a second; 0: any pace will do.
    rate: u64,
}

impl Pace {
    /// `most` for the first octet, and never more than that at a time.
    pub(super) fn new(most: Duration, rate: u64) -> Self {
        Self { most, left: most, rate }
    }

    /// Reads more octets of something that a stopping server lets finish. [`Gone::TimedOut`]: too slow.
    pub(super) async fn fill_unfinished(&mut self, stream: &mut Stream) -> Result<(), Gone> {
        // What it takes to send is no time in which the peer sends nothing.
        stream.flush().await?;
        let (before, began) = (stream.input().len(), Instant::now());
        stream.fill_unfinished(self.left).await?;
        self.passed(began.elapsed(), stream.input().len().saturating_sub(before));
        Ok(())
    }

    /// So many octets came after so much time.
    fn passed(&mut self, time: Duration, octets: usize) {
        let bought = match self.rate {
            0 => self.most,
            rate => Duration::from_millis((octets as u64).saturating_mul(1_000) / rate),
        };
        self.left = self.left.saturating_sub(time).saturating_add(bought).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_peer_that_keeps_pace_goes_on_for_ever_and_one_that_trickles_does_not() {
        let mut pace = Pace::new(seconds(60), 100);
        for _ in 0..1_000 {
            pace.passed(seconds(10), 1_000);
            assert!(pace.left >= seconds(50));
        }
        // A pause is forgiven, up to the whole wait.
        pace.passed(seconds(45), 10_000);
        assert_eq!(pace.left, seconds(60));
        for left in [51, 42, 33, 24, 15, 6, 0, 0] {
            pace.passed(seconds(10), 100);
            assert!(pace.left.as_secs() <= left + 1, "{:?} left", pace.left);
        }
        let mut any = Pace::new(seconds(60), 0);
        (0..100).for_each(|_| any.passed(seconds(59), 1));
        assert_eq!(any.left, seconds(60));
    }
}
