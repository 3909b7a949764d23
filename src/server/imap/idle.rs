//! IDLE: changes are told as they happen, until the client says DONE (RFC 2177 §3).

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use crate::wire::imap::frame;

use super::dispatch::Expunges;
use super::outcome::{Done, Fault};
use super::session::{Session, State};
use super::updates;

/// The longest line that may end an IDLE.
const MAX_DONE: usize = 64;

/// What woke the session.
enum Woken {
    Client,
    Change,
    Poll,
    Late,
}

pub(super) async fn idle(session: &mut Session) -> Result<Done, Fault> {
    session.stream.write(b"+ idling\r\n");
    let deadline = Instant::now() + session.patience();
    let every = Duration::from_millis(session.imap.settings.poll_milliseconds.max(100));
    let mut poll = interval_at(Instant::now() + every, every);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut changes = match &session.state {
        State::Selected(_, selected) => Some(selected.mailbox.watch()),
        _ => None,
    };
    loop {
        if let State::Selected(_, selected) = &mut session.state {
            updates::send(selected, Expunges::Sent, &mut session.stream).await?;
        }
        session.stream.flush().await?;
        if let Some(length) = frame::line(session.stream.input()) {
            let line = session.take(length);
            return if line.trim_ascii().eq_ignore_ascii_case(b"DONE") {
                Ok(Done::new("no longer idle"))
            } else {
                Err(Fault::bad("DONE ends IDLE"))
            };
        }
        if session.stream.input().len() > MAX_DONE {
            return Err(Fault::bad("DONE ends IDLE"));
        }
        let woken = tokio::select! {
            readable = session.stream.readable() => { readable?; Woken::Client }
            () = changed(&mut changes) => Woken::Change,
            _ = poll.tick() => Woken::Poll,
            () = sleep_until(deadline) => Woken::Late,
        };
        match (woken, &session.state) {
            (Woken::Client, _) => session.fill().await?,
            (Woken::Late, _) => return Err(crate::server::stream::Gone::TimedOut.into()),
            // A mailbox that cannot be looked at now can be later.
            (Woken::Poll, State::Selected(_, selected)) => drop(selected.mailbox.refresh().await),
            (Woken::Poll | Woken::Change, _) => {}
        }
    }
}

/// Resolves when the mailbox changes; never without one.
async fn changed(changes: &mut Option<tokio::sync::watch::Receiver<crate::model::ids::ModSeq>>) {
    if let Some(receiver) = changes
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
