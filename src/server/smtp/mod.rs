//! SMTP, submission and LMTP: one door in three roles.
//!
//! The listener calls [`Smtp::serve`] for each connection. Promised: a message is answered with 250 only after the intake
//! has it on stable storage; nobody relays without logging in; everything a client can send is bounded, in size by
//! `[smtp]` and in time by its timeouts; a line or body with other line ends than CRLF is refused.
//!
//! `session` reads commands and says replies, `dispatch` knows their order, and each command that does something has a file.
//!
//! RFC 5321 §4 (SMTP), RFC 2033 §4 (LMTP), RFC 6409 §4 (submission), RFC 2920 §3 (PIPELINING), RFC 3030 §2 (CHUNKING),
//! RFC 3207 §4 (STARTTLS), RFC 4954 §4 (AUTH), RFC 8314 §3 (TLS).

mod auth;
mod bdat;
mod body;
mod data;
mod dispatch;
mod hello;
mod mail;
mod rcpt;
mod refusal;
mod session;
mod stage;

use std::sync::Arc;

use tracing::Instrument;

use crate::config;
use crate::mail::intake::Intake;
use crate::mail::milter::Milters;
use crate::model::traced::TRACED;
use crate::server::entrance::Entrance;
use crate::server::stream::Stream;

/// What a client hears instead of a greeting when it has too many connections: a whole line.
pub const BUSY: &str = crate::wire::smtp::reply::TOO_MANY_CONNECTIONS;

/// For whom the door is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Other mail servers bring mail for us (port 25). No AUTH.
    Relay,
    /// Users send mail (ports 587 and 465). Nothing goes without AUTH.
    Submission,
    /// A program on our side hands over mail and hears of each recipient. No AUTH.
    Lmtp,
}

impl Role {
    /// The name of such a listener.
    const fn name(self) -> &'static str {
        match self {
            Self::Relay => "smtp",
            Self::Submission => "submission",
            Self::Lmtp => "lmtp",
        }
    }
}

/// The door with what it needs.
pub struct Smtp {
    /// Who may log in.
    pub entrance: Arc<Entrance>,
    /// Where messages go.
    pub intake: Intake,
    /// Limits.
    pub settings: config::Smtp,
    /// For whom.
    pub role: Role,
    /// Who else has a say.
    pub milters: Milters,
}

impl Smtp {
    /// Serves a connection to its end.
    pub async fn serve(self: Arc<Self>, stream: Stream) {
        let span = tracing::info_span!(target: TRACED, "session", protocol = self.role.name(), peer = stream.peer().map(display));
        session::Session::new(self, stream).run().instrument(span).await;
    }
}
