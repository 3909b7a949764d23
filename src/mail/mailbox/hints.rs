//! Mailboxes for which something is to be done in the background.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;

use super::locked;
use crate::model::ids::MailboxId;

/// Which mailboxes they are, each once: so there are no more than mailboxes are open.
#[derive(Default)]
pub(super) struct Hints {
    waiting: Mutex<BTreeSet<MailboxId>>,
    bell: Notify,
}

impl Hints {
    /// There is something to do for this mailbox. Never waits.
    pub(super) fn add(&self, mailbox: MailboxId) {
        if locked(&self.waiting).insert(mailbox) {
            self.bell.notify_one();
        }
    }

    /// Wakes who gathers, for nothing: to see that there is nobody any more.
    pub(super) fn end(&self) {
        self.bell.notify_one();
    }

    /// Waits for hints, and then so long for others, and takes them all; none if it was woken by [`Hints::end`].
    pub(super) async fn gather(&self, time: Duration) -> BTreeSet<MailboxId> {
        self.bell.notified().await;
        if !locked(&self.waiting).is_empty() {
            tokio::time::sleep(time).await;
        }
        std::mem::take(&mut *locked(&self.waiting))
    }
}
