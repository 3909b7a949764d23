//! When to try again: each wait twice the one before, with some chance in it, so that what failed together does not return together.
//!
//! RFC 5321 §4.5.4.1: retries grow rarer, and go on for days.

use std::time::Duration;

use crate::config;

/// How long to wait after so many tries (1 after the first). `chance` is from 0 to 1 and moves the wait by a quarter either way.
pub(super) fn wait(settings: &config::Queue, tries: u32, chance: f64) -> Duration {
    let doublings = tries.saturating_sub(1).min(40);
    let plain = settings.retry_first_seconds.saturating_mul(1 << doublings);
    let bounded = plain.min(settings.retry_max_seconds.max(settings.retry_first_seconds));
    Duration::from_millis(bounded.saturating_mul(1000)).mul_f64(0.75 + 0.5 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let settings = config::Queue {
            retry_first_seconds: 300,
            retry_max_seconds: 14_400,
            ..Default::default()
        };
        for (tries, seconds) in [(0, 300), (1, 300), (2, 600), (3, 1200), (6, 9600), (7, 14_400), (u32::MAX, 14_400)] {
            assert_eq!(wait(&settings, tries, 0.5), Duration::from_secs(seconds), "{tries}");
        }
        assert_eq!(wait(&settings, 1, 0.0), Duration::from_secs(225));
        assert_eq!(wait(&settings, 1, 1.0), Duration::from_secs(375));
    }

    #[test]
    fn odd_settings_do_no_harm() {
        let settings = config::Queue {
            retry_first_seconds: u64::MAX / 2_000,
            retry_max_seconds: 0,
            ..Default::default()
        };
        assert!(wait(&settings, 50, 1.0) > Duration::from_secs(1));
    }
}
