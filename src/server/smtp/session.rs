//! The loop of a session: read a line, let it be dispatched, say the reply.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::Instant;

use super::stage::{Next, Stage};
use super::{Role, Smtp, refusal};
use crate::mail::milter::Dialogue;
use crate::mail::sessions::Place;
use crate::server::pace::Pace;
use crate::server::stream::{Gone, HANDSHAKE_TIMEOUT, Stream};
use crate::wire::smtp::command;
use crate::wire::smtp::line::{BadLine, Lines};
use crate::wire::smtp::reply::{self, Reply};

/// The code of a reply after which the connection is closed.
const CLOSING: u16 = 421;

/// A connection and its counts. What is known of the client and its message is in the [`Stage`].
pub(super) struct Session {
    pub(super) door: Arc<Smtp>,
    pub(super) stream: Stream,
    /// The place of whoever is logged in.
    pub(super) place: Option<Place>,
    lines: Lines,
    errors: u32,
    messages: u32,
    /// What milters hear of it.
    pub(super) milters: Dialogue,
}

impl Session {
    pub(super) fn new(door: Arc<Smtp>, stream: Stream) -> Self {
        Self {
            door,
            stream,
            place: None,
            lines: Lines::default(),
            errors: 0,
            messages: 0,
            milters: Dialogue::default(),
        }
    }

    /// Runs the session and says goodbye, if there is somebody left to say it to.
    pub(super) async fn run(mut self) {
        let end = self.converse().await;
        std::mem::take(&mut self.milters).quit().await;
        let farewell = match end {
            Ok(()) => None,
            Err(Gone::TimedOut) => Some(reply::TIMED_OUT),
            Err(Gone::Stopping) => Some(reply::STOPPING),
            Err(Gone::Ended) => Some(reply::ACCOUNT_CHANGED),
            Err(Gone::Closed | Gone::Overtaken) => return,
            Err(Gone::Io(error)) => {
                tracing::debug!(peer = ?self.stream.peer(), %error, "SMTP session ended");
                return;
            }
        };
        if let Some(farewell) = farewell {
            self.say(&farewell);
        }
        self.stream.close().await;
    }

    async fn converse(&mut self) -> Result<(), Gone> {
        let protocol = if self.door.role == Role::Lmtp { "LMTP" } else { "ESMTP" };
        let (milters, welcome) = self.door.milters.begin(self.stream.peer()).await;
        self.milters = milters;
        if let Err(refused) = welcome {
            self.say(&refusal::spell(&refused));
            return Ok(());
        }
        self.say(&reply::greeting(&self.door.entrance.hostname, protocol));
        let mut stage = Stage::Fresh;
        loop {
            let line = self.line(self.door.settings.max_line_bytes).await?;
            if self.is_over() {
                return Err(Gone::Ended);
            }
            let (after, next) = match line.map(|line| command::parse(&line)) {
                Ok(Ok(command)) => self.dispatch(stage, command).await?,
                Ok(Err(bad)) => (stage, Next::Say(reply::bad_command(bad))),
                Err(bad) => (stage, Next::Say(reply::bad_line(bad))),
            };
            stage = match self.act(after, next).await? {
                ControlFlow::Continue(stage) => stage,
                ControlFlow::Break(()) => return Ok(()),
            };
        }
    }

    async fn act(&mut self, stage: Stage, next: Next) -> Result<ControlFlow<(), Stage>, Gone> {
        match next {
            Next::Say(reply) => {
                self.say(&reply);
                // RFC 5321 §3.8: who says so closes.
                if reply.code().as_u16() == CLOSING {
                    return Ok(ControlFlow::Break(()));
                }
                // Over LMTP the other side has errors to tell, of recipients that it did not choose.
                if reply.code().is_permanent() && self.door.role != Role::Lmtp {
                    self.errors = self.errors.saturating_add(1);
                }
                if self.errors >= self.door.settings.max_errors.max(1) {
                    self.say(&reply::TOO_MANY_ERRORS);
                    return Ok(ControlFlow::Break(()));
                }
            }
            Next::SayEach(replies) => replies.iter().for_each(|reply| self.say(reply)),
            Next::StartTls => {
                self.say(&reply::START_TLS);
                // RFC 3207 §4.2: who logged in before is forgotten.
                self.place = None;
                let tls = Arc::clone(&self.door.entrance.tls);
                // After a failed handshake there is no common language to say anything in.
                self.stream.start_tls(tls, HANDSHAKE_TIMEOUT).await.map_err(|_| Gone::Closed)?;
            }
            Next::HangUp(reply) => {
                self.say(&reply);
                return Ok(ControlFlow::Break(()));
            }
        }
        self.stream.flush_if_large().await?;
        Ok(ControlFlow::Continue(stage))
    }

    /// The next line. The time for it is bounded as a whole, so that one octet a minute does not keep a session.
    pub(super) async fn line(&mut self, limit: usize) -> Result<Result<BytesMut, BadLine>, Gone> {
        let (began, time) = (Instant::now(), Duration::from_secs(self.door.settings.command_timeout_seconds));
        loop {
            if let Some(line) = self.lines.next(self.stream.input(), limit) {
                return Ok(line);
            }
            self.stream.fill(time.saturating_sub(began.elapsed())).await?;
        }
    }

    /// Puts a reply into the output, which is sent when the client is waited for (RFC 2920 §3.2).
    pub(super) fn say(&mut self, reply: &Reply) {
        let mut out = Vec::with_capacity(64);
        reply.encode(&mut out);
        self.stream.write(&out);
    }

    /// How long to wait for more of a message that begins now.
    pub(super) fn pace(&self) -> Pace {
        let settings = &self.door.settings;
        Pace::new(Duration::from_secs(settings.data_timeout_seconds), settings.min_data_rate)
    }

    /// Whether the account of whoever is logged in was changed, which ends the session.
    pub(super) fn is_over(&self) -> bool {
        self.place.as_ref().is_some_and(Place::is_ended)
    }

    /// Whether the session has brought all the messages that it may.
    pub(super) fn is_exhausted(&self) -> bool {
        let most = self.door.settings.max_messages_per_session;
        most != 0 && self.messages >= most
    }

    /// Counts a message that was taken. A client that brings mail is forgiven what went wrong before.
    pub(super) fn message_taken(&mut self) {
        self.messages = self.messages.saturating_add(1);
        self.errors = 0;
    }
}
