//! What wakes a session that waits for its client: IDLE (RFC 2177 §3), and with NOTIFY every wait (RFC 5465 §3).

use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use crate::model::ids::ModSeq;
use crate::server::stream::Gone;

use super::session::{Session, State};

/// What woke the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    /// Octets of the client.
    Client,
    /// A change, perhaps.
    Change,
}

/// A wait.
pub(super) struct Wake {
    deadline: Instant,
    every: Duration,
    poll: Interval,
    changes: Option<Receiver<ModSeq>>,
}

impl Wake {
    /// Begins to wait, as long as the client may be silent.
    pub(super) fn new(session: &Session) -> Self {
        let every = Duration::from_millis(session.imap.settings.poll_milliseconds.max(100));
        let mut poll = interval_at(Instant::now() + every, every);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            deadline: Instant::now() + session.patience(),
            every,
            poll,
            changes: match &session.state {
                State::Selected(_, selected) => Some(selected.mailbox.watch()),
                _ => None,
            },
        }
    }

    /// Waits until the client says something, or something may have changed. [`Gone::TimedOut`]: the client was silent for too long.
    pub(super) async fn next(&mut self, session: &mut Session) -> Result<Woken, Gone> {
        let woken = self.wait(session).await?;
        if woken == Woken::Change {
            Box::pin(session.renew_rights()).await?;
        }
        Ok(woken)
    }

    async fn wait(&mut self, session: &mut Session) -> Result<Woken, Gone> {
        session.stream.flush().await?;
        let notices = &session.notices;
        let woken = async {
            match notices {
                Some(notices) => notices.woken().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            readable = session.stream.readable() => {
                readable?;
                return Ok(Woken::Client);
            }
            () = changed(&mut self.changes) => return Ok(Woken::Change),
            () = woken => return Ok(Woken::Change),
            _ = self.poll.tick() => {}
            () = sleep_until(self.deadline) => return Err(Gone::TimedOut),
        }
        if let State::Selected(_, selected) = &session.state {
            // One look is enough for all who wait; on the heap, so that it costs those nothing who only wait. A mailbox that cannot be
            // looked at now can be later.
            drop(Box::pin(selected.mailbox.refresh_unless_within(self.every / 2)).await);
        }
        Ok(Woken::Change)
    }
}

/// Resolves when the mailbox changes; never without one.
async fn changed(changes: &mut Option<Receiver<ModSeq>>) {
    if let Some(receiver) = changes
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
