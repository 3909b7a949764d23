//! The stages of a session: each holds the data that exists in it.

use std::sync::Arc;

use super::bdat::Chunked;
use crate::mail::intake::Accepted;
use crate::model::account::User;
use crate::model::envelope::Sender;
use crate::wire::smtp::command::Greeting;
use crate::wire::smtp::reply::Reply;

/// Where a session stands (RFC 5321 §4.1.4).
pub(super) enum Stage {
    /// Before a greeting, and again after STARTTLS (RFC 3207 §4.2).
    Fresh,
    /// Between transactions.
    Greeted(Hello),
    /// After MAIL.
    Sender { hello: Hello, from: Sender },
    /// After the first RCPT that was accepted.
    Recipients { hello: Hello, envelope: Envelope },
    /// Amid the chunks of BDAT.
    Chunks {
        hello: Hello,
        envelope: Envelope,
        chunked: Box<Chunked>,
    },
}

impl Stage {
    /// What RSET, or the end of a transaction, leaves.
    pub(super) fn reset(self) -> Self {
        match self {
            Self::Fresh => Self::Fresh,
            Self::Greeted(hello) | Self::Sender { hello, .. } | Self::Recipients { hello, .. } | Self::Chunks { hello, .. } => {
                Self::Greeted(hello)
            }
        }
    }

    /// Who is logged in.
    pub(super) fn into_user(self) -> Option<Arc<User>> {
        match self.reset() {
            Self::Greeted(hello) => hello.user,
            _ => None,
        }
    }
}

/// What is known since the greeting.
pub(super) struct Hello {
    /// How the client greeted.
    pub(super) greeting: Greeting,
    /// What it calls itself.
    pub(super) name: String,
    /// Who is logged in.
    pub(super) user: Option<Arc<User>>,
}

/// Sender and recipients: at least one, by construction.
pub(super) struct Envelope {
    pub(super) from: Sender,
    pub(super) first: Accepted,
    pub(super) others: Vec<Accepted>,
}

impl Envelope {
    /// How many recipients there are.
    pub(super) fn count(&self) -> usize {
        self.others.len().saturating_add(1)
    }

    /// Sender and all recipients, in the order of the RCPT commands.
    pub(super) fn into_parts(self) -> (Sender, Vec<Accepted>) {
        let mut recipients = Vec::with_capacity(self.count());
        recipients.push(self.first);
        recipients.extend(self.others);
        (self.from, recipients)
    }
}

/// What the loop must do after a command.
pub(super) enum Next {
    /// Reply, and go on.
    Say(Reply),
    /// A reply for each recipient (RFC 2033 §4.2), and go on.
    SayEach(Vec<Reply>),
    /// Reply, then do the TLS handshake.
    StartTls,
    /// Reply and close.
    HangUp(Reply),
}
