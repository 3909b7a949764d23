//! Whether a list is to be believed, and to be asked.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

/// About so many messages in turn a list may leave questions without any answer.
const MOST_IN_VAIN: u32 = 5;
/// For so many milliseconds it is believed that a list does not list everything.
const TEST_MS: i64 = 3_600_000;

/// What is known of a list. Times are milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Health {
    off_until: AtomicI64,
    tested: AtomicI64,
    in_vain: AtomicU32,
}

/// How a list has answered about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// Some of the questions, or all of them.
    Well,
    /// The same, and that what nobody lists is not listed.
    WellAndTested,
    /// Nothing.
    Nothing,
    /// With what no list should say.
    Wrongly,
}

impl Health {
    /// Whether it is asked now.
    pub(super) fn is_on(&self, now_ms: i64) -> bool {
        self.off_until.load(Ordering::Relaxed) <= now_ms
    }

    /// Whether it is to be found out anew that it does not list everything.
    pub(super) fn is_to_be_tested(&self, now_ms: i64) -> bool {
        self.tested.load(Ordering::Relaxed).saturating_add(TEST_MS) <= now_ms
    }

    /// Takes in how it has answered. Whether it is off from now on for it.
    pub(super) fn took(&self, answered: Answered, now_ms: i64, pause_ms: i64) -> bool {
        let is_off = match answered {
            Answered::Well | Answered::WellAndTested => {
                self.in_vain.store(0, Ordering::Relaxed);
                if answered == Answered::WellAndTested {
                    self.tested.store(now_ms, Ordering::Relaxed);
                }
                false
            }
            Answered::Nothing => self.in_vain.fetch_add(1, Ordering::Relaxed) >= MOST_IN_VAIN - 1,
            Answered::Wrongly => true,
        };
        if is_off {
            self.in_vain.store(0, Ordering::Relaxed);
            self.tested.store(0, Ordering::Relaxed);
            self.off_until.store(now_ms.saturating_add(pause_ms), Ordering::Relaxed);
        }
        is_off
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_left_alone_after_so_many_questions_in_vain_or_one_wrong_answer() {
        let health = Health::default();
        let now = 1_700_000_000_000;
        assert!(health.is_on(now) && health.is_to_be_tested(now));
        assert!(!health.took(Answered::WellAndTested, now, 1_000));
        assert!(!health.is_to_be_tested(now + 1) && health.is_to_be_tested(now + TEST_MS));
        for _ in 0..4 {
            assert!(!health.took(Answered::Nothing, now, 1_000));
        }
        assert!(!health.took(Answered::Well, now, 1_000), "one answer is enough");
        let off: Vec<bool> = (0..5).map(|_| health.took(Answered::Nothing, now, 1_000)).collect();
        assert_eq!(off, [false, false, false, false, true]);
        assert!(!health.is_on(now + 999) && health.is_on(now + 1_000));
        assert!(health.took(Answered::Wrongly, now + 1_000, 1_000) && !health.is_on(now + 1_999));
    }
}
