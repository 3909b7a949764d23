//! One connection: reads commands, has them dispatched, says the responses.

use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use tokio::time::Instant;

use super::ManageSieve;
use super::dispatch::dispatch;
use crate::mail::filter::Filters;
use crate::mail::sessions::Place;
use crate::model::account::User;
use crate::model::audit::Actor;
use crate::model::secret::Secret;
use crate::server::stream::{Gone, Stream};
use crate::wire::managesieve::command::{self, BadCommand, Command, TooLong};
use crate::wire::managesieve::response::{Code, Response, Status};

/// A literal that is too large is read and thrown away up to so many octets; beyond them the connection ends.
const MOST_THROWN_AWAY: u64 = 16_777_216;

/// Where a session stands (RFC 5804 §2).
pub(super) enum State {
    /// Nobody is logged in.
    Start,
    /// This user is.
    LoggedIn {
        user: Arc<User>,
        /// In the list of sessions.
        place: Place,
    },
}

/// What to say after a command.
pub(super) enum Answer {
    /// The end of it.
    Say(Response),
    /// It is said already.
    Written,
}

/// Why a session ends before LOGOUT.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The connection is over.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// A line was longer than it may be.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// A connection with the services of its door.
pub(super) struct Session {
    pub(super) door: Arc<ManageSieve>,
    pub(super) stream: Stream,
    errors: u32,
    /// When the client must have logged in.
    login_until: Instant,
}

impl Session {
    pub(super) fn new(door: Arc<ManageSieve>, stream: Stream) -> Self {
        let login_until = Instant::now() + Duration::from_secs(door.imap.login_timeout_seconds);
        Self {
            door,
            stream,
            errors: 0,
            login_until,
        }
    }

    /// The filters, for changes by this user.
    pub(super) fn filters(&self, user: &User) -> Filters {
        let actor = Actor::user(user, self.stream.peer());
        self.door.filters.acting(&Arc::new(actor))
    }

    pub(super) async fn run(mut self) {
        // RFC 5804 §1.2: the greeting is what CAPABILITY says.
        let hostname = self.door.entrance.hostname.clone();
        self.list_capabilities(&State::Start);
        self.say(&Response::ok(format!("{hostname} ManageSieve ready")));
        let farewell = match self.converse().await {
            Ok(response) => response,
            Err(Ended::TooLong(too_long)) => Response::bye(too_long.to_string()),
            Err(Ended::Gone(Gone::Stopping)) => Response::bye("the server is stopping, try again later"),
            Err(Ended::Gone(gone)) => {
                tracing::debug!(%gone, peer = ?self.stream.peer(), "a ManageSieve session ended");
                return;
            }
        };
        self.say(&farewell);
        self.stream.close().await;
    }

    /// Command by command, to the last response.
    async fn converse(&mut self) -> Result<Response, Ended> {
        let mut state = State::Start;
        loop {
            let command = self.command(&state).await?;
            if let State::LoggedIn { place, .. } = &state
                && place.is_ended()
            {
                return Ok(Response::bye("the account was changed; log in again"));
            }
            // A script that is wrong is no attack; a wrong password may be one.
            let counts = command.is_err() || matches!(state, State::Start);
            let answer = match command {
                Ok(Command::Logout) => return Ok(Response::ok("goodbye")),
                Ok(command) => dispatch(self, &mut state, command).await?,
                Err(BadCommand::TooLarge(size)) if size > MOST_THROWN_AWAY => return Ok(Response::bye("the literal is too large")),
                Err(BadCommand::TooLarge(size)) => {
                    self.throw_away(&state, size).await?;
                    Answer::Say(Response::no(Some(Code::MaxSize), BadCommand::TooLarge(size).to_string()))
                }
                Err(bad) => Answer::Say(Response::no(None, bad.to_string())),
            };
            if let Answer::Say(response) = answer {
                self.say(&response);
                if counts && response.status == Status::No {
                    self.errors = self.errors.saturating_add(1);
                }
            }
            if self.errors >= self.door.imap.max_errors.max(1) {
                return Ok(Response::bye("too many errors"));
            }
            self.stream.flush_if_large().await?;
        }
    }

    /// The next command of the client. The time for it is bounded as a whole.
    async fn command(&mut self, state: &State) -> Result<Result<Command, BadCommand>, Ended> {
        let began = Instant::now();
        // Who has not logged in has no script to send.
        let most = match state {
            State::Start => command::MAX_LINE,
            State::LoggedIn { .. } => self.door.settings.max_script_bytes.saturating_add(command::MAX_LINE),
        };
        loop {
            if let Some(command) = command::take_command(self.stream.input(), most)? {
                return Ok(command);
            }
            self.fill(state, began).await?;
        }
    }

    /// A line of an exchange; nobody is logged in amid one.
    pub(super) async fn string(&mut self) -> Result<Result<Secret, BadCommand>, Ended> {
        let began = Instant::now();
        loop {
            if let Some(string) = command::take_string(self.stream.input())? {
                return Ok(string);
            }
            self.fill(&State::Start, began).await?;
        }
    }

    async fn fill(&mut self, state: &State, began: Instant) -> Result<(), Gone> {
        let patience = match state {
            State::Start => self.login_until.saturating_duration_since(Instant::now()),
            State::LoggedIn { .. } => Duration::from_secs(self.door.settings.session_timeout_seconds).saturating_sub(began.elapsed()),
        };
        self.stream.fill(patience).await
    }

    /// Reads a literal that is too large, and the rest of its command, without keeping any of it.
    async fn throw_away(&mut self, state: &State, mut size: u64) -> Result<(), Ended> {
        let began = Instant::now();
        while size > 0 {
            let input = self.stream.input();
            let some = input.len().min(usize::try_from(size).unwrap_or(usize::MAX));
            input.advance(some);
            size = size.saturating_sub(u64::try_from(some).unwrap_or(u64::MAX));
            if size > 0 {
                self.fill(state, began).await?;
            }
        }
        // What follows is its line end, or another argument: no command either way.
        loop {
            if command::take_command(self.stream.input(), command::MAX_LINE)?.is_some() {
                return Ok(());
            }
            self.fill(state, began).await?;
        }
    }

    pub(super) fn say(&mut self, response: &Response) {
        self.stream.write(&response.encode());
    }

    /// One line of an answer.
    pub(super) fn say_line(&mut self, line: &str) {
        self.stream.write(line.as_bytes());
        self.stream.write(b"\r\n");
    }
}
