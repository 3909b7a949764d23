//! One connection: reads lines, has them dispatched, says the replies.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::Pop3;
use super::dispatch::dispatch;
use super::maildrop::Maildrop;
use crate::mail::sessions::Place;
use crate::server::stream::{Gone, Stream};
use crate::wire::pop3::command::{self, Command};
use crate::wire::pop3::reply::{self, Reply, fixed};

/// Where a session stands (RFC 1939 §3). UPDATE is QUIT's work and leaves no state behind.
pub(super) enum State {
    /// Nobody is logged in.
    Authorization {
        /// What USER said.
        user: Option<String>,
    },
    /// Somebody is, and holds the lock of their maildrop.
    Transaction(Maildrop),
}

impl State {
    /// Before any login.
    pub(super) const START: Self = Self::Authorization { user: None };
}

/// What to say after a command.
pub(super) enum Answer {
    /// One line.
    Line(Reply),
    /// It is written already.
    Written,
    /// One line, then the connection ends.
    HangUp(Reply),
}

/// Why a session ends before QUIT.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The connection is over.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// A line was longer than it may be.
    #[error(transparent)]
    TooLong(#[from] command::TooLong),
}

/// A connection with the services of its door.
pub(super) struct Session {
    pub(super) pop3: Arc<Pop3>,
    pub(super) stream: Stream,
    /// The place of whoever is logged in.
    pub(super) place: Option<Place>,
    errors: u32,
    /// When the client must have logged in.
    login_until: Instant,
}

impl Session {
    pub(super) fn new(pop3: Arc<Pop3>, stream: Stream) -> Self {
        let login_until = Instant::now() + Duration::from_secs(pop3.settings.login_timeout_seconds);
        Self {
            pop3,
            stream,
            place: None,
            errors: 0,
            login_until,
        }
    }

    pub(super) async fn run(mut self) {
        self.say(&reply::greeting(&self.pop3.entrance.hostname));
        let farewell = match self.converse().await {
            Ok(reply) => reply,
            Err(Ended::TooLong(_)) => fixed::LINE_TOO_LONG,
            Err(Ended::Gone(Gone::Stopping)) => fixed::STOPPING,
            // RFC 1939 §3: after the timeout the server closes without a word, and removes nothing.
            Err(Ended::Gone(gone)) => {
                tracing::debug!(%gone, peer = ?self.stream.peer(), "a POP3 session ended");
                return;
            }
        };
        self.say(&farewell);
        self.stream.close().await;
    }

    /// Command by command, to the last reply.
    async fn converse(&mut self) -> Result<Reply, Ended> {
        let mut state = State::START;
        loop {
            let line = self.line(&state, command::MAX_LINE).await?;
            if self.place.as_ref().is_some_and(Place::is_ended) {
                return Ok(fixed::ACCOUNT_CHANGED);
            }
            let (answer, counts) = match Command::parse(&line) {
                Ok(command) => {
                    // A wrong message number is no attack; a wrong password may be one.
                    let counts = matches!(state, State::Authorization { .. });
                    (dispatch(self, &mut state, command).await?, counts)
                }
                Err(bad) => (Answer::Line(Reply::err(bad.to_string())), true),
            };
            match answer {
                Answer::HangUp(reply) => return Ok(reply),
                Answer::Written => {}
                Answer::Line(reply) => {
                    self.say(&reply);
                    if counts && reply.is_err() {
                        self.errors = self.errors.saturating_add(1);
                    }
                }
            }
            if self.errors >= self.pop3.settings.max_errors.max(1) {
                return Ok(fixed::TOO_MANY_ERRORS);
            }
            // RFC 2449 §6.6: what is pipelined is answered together, but not without bound.
            self.stream.flush_if_large().await?;
        }
    }

    /// The next line of the client; what was said before is sent first. The time for it is bounded as a whole, so that one octet a
    /// minute does not keep a session.
    pub(super) async fn line(&mut self, state: &State, most: usize) -> Result<Bytes, Ended> {
        let began = Instant::now();
        loop {
            if let Some(line) = command::take_line(self.stream.input(), most)? {
                return Ok(line);
            }
            let patience = match state {
                State::Authorization { .. } => self.login_until.saturating_duration_since(Instant::now()),
                State::Transaction(_) => Duration::from_secs(self.pop3.settings.pop3_idle_timeout_seconds).saturating_sub(began.elapsed()),
            };
            self.stream.fill(patience).await?;
        }
    }

    pub(super) fn say(&mut self, reply: &Reply) {
        self.stream.write(&reply.encode());
    }

    /// One line of a reply of many.
    pub(super) async fn say_line(&mut self, line: &str) -> Result<(), Gone> {
        self.say_text(line);
        self.stream.flush_if_large().await
    }

    /// One line of a reply of few.
    pub(super) fn say_text(&mut self, line: &str) {
        self.stream.write(line.as_bytes());
        self.stream.write(b"\r\n");
    }

    /// The end of a reply of many lines.
    pub(super) fn end_lines(&mut self) -> Answer {
        self.stream.write(reply::END);
        Answer::Written
    }

    /// Whether passwords are taken over this connection.
    pub(super) fn may_log_in(&self) -> bool {
        self.pop3.entrance.takes_passwords(&self.stream)
    }
}
