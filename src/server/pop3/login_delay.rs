//! LOGIN-DELAY — RFC 2449 §6.5: how soon after a login the next one of the same user may come.

use std::time::Duration;

use moka::sync::Cache;

use crate::model::ids::UserId;

/// How many users are remembered: those beyond it are let in early.
const MOST: u64 = 100_000;

/// Who has logged in a short time ago.
pub(super) struct LoginDelay {
    seconds: u64,
    recent: Cache<UserId, ()>,
}

impl LoginDelay {
    pub(super) fn new(seconds: u64) -> Self {
        let recent = Cache::builder()
            .max_capacity(MOST)
            .time_to_live(Duration::from_secs(seconds))
            .build();
        Self { seconds, recent }
    }

    /// The seconds that must pass between logins, if the user's last one was too short a time ago.
    pub(super) fn too_soon(&self, user: UserId) -> Option<u64> {
        self.recent.contains_key(&user).then_some(self.seconds)
    }

    /// Notes a login. Two of one user cannot happen at the same time, since one of them would not get the maildrop.
    pub(super) fn note(&self, user: UserId) {
        if self.seconds > 0 {
            self.recent.insert(user, ());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_login_is_too_soon() {
        for (seconds, expected) in [(60, Some(60)), (0, None)] {
            let delay = LoginDelay::new(seconds);
            assert_eq!(delay.too_soon(UserId(1)), None);
            delay.note(UserId(1));
            assert_eq!([1, 2].map(|id| delay.too_soon(UserId(id))), [expected, None]);
        }
    }
}
