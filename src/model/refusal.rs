//! Why something was not done, in our words.
//!
//! Each door spells a refusal in its own one table: `server/smtp/refusal.rs`, `server/imap/refusal.rs`,
//! `server/pop3/refusal.rs`, `api/problem.rs`. A new reason does not compile until every door can say it.

use std::time::Duration;

/// A reason to say no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The domain is ours, the address is nobody's.
    #[error("there is no mailbox {0} here")]
    UnknownRecipient(String),
    /// The recipient or user is switched off.
    #[error("{0} is disabled")]
    Disabled(String),
    /// The domain is not ours and the client has not logged in.
    #[error("relaying to {0} is not permitted without logging in")]
    RelayDenied(String),
    /// Aliases lead in a circle, or too far.
    #[error("the aliases of {0} lead in a circle")]
    AliasLoop(String),
    /// The mailbox has no room.
    #[error("{0} is over quota")]
    OverQuota(String),
    /// The message is larger than the limit of so many octets.
    #[error("the message is larger than the limit of {0} octets")]
    TooLarge(u64),
    /// The user may not send with this address.
    #[error("{login} may not send as {sender}")]
    NotYourAddress {
        /// Who is logged in.
        login: String,
        /// The address they wanted.
        sender: String,
    },
    /// The message itself cannot be taken: the text says why.
    #[error("{0}")]
    BadMessage(String),
    /// The recipient does not want the message: the text is theirs (RFC 5429 §2.1).
    #[error("{0}")]
    Rejected(String),
    /// The message cannot prove whom it is from, and the author's domain wants such mail refused: the text names it.
    #[error("{0}")]
    NotAuthenticated(String),
    /// The message has the virus of this name.
    #[error("the message has the virus {0}, and is refused")]
    Infected(String),
    /// A filter beside the server refuses it, in its own words.
    #[error("{text}")]
    ByFilter {
        /// The reply code, 400 to 599.
        code: u16,
        /// The enhanced status code, of the same class.
        status: (u8, u16, u16),
        /// Its words; lines are separated by LF.
        text: String,
    },
    /// Login name or password is wrong (never says which).
    #[error("the login name or the password is wrong")]
    BadCredentials,
    /// The password is right, and the code of the second factor is missing.
    #[error("this login needs the code of its second factor too")]
    CodeNeeded,
    /// The caller may not do this.
    #[error("{0}")]
    NotPermitted(String),
    /// The thing named is not there.
    #[error("there is no {what} {name}")]
    NotFound {
        /// What kind of thing, such as `mailbox`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The thing named is there already.
    #[error("{what} {name} exists already")]
    Exists {
        /// What kind of thing, such as `user`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The thing is still used by others and cannot go.
    #[error("{0}")]
    InUse(String),
    /// It is not in the state that the caller expects.
    #[error("it has been changed since; read it again")]
    Changed,
    /// The request is malformed: which field, and what would be right.
    #[error("{field}: {problem}")]
    Invalid {
        /// The field at fault, as its door names it.
        field: &'static str,
        /// What was wrong and what would be right.
        problem: String,
    },
    /// A limit was reached: the text names it.
    #[error("{0}")]
    LimitReached(String),
    /// The client is to send it again after some time: the text says why.
    #[error("{0}")]
    PutOff(String),
    /// The disk is full; perhaps later it is not.
    #[error("there is no room on the disk, try again later")]
    NoRoom,
    /// Not now; perhaps later.
    #[error("not possible at this moment, try again later")]
    TryLater {
        /// How long to wait, where it is known.
        after: Option<Duration>,
    },
}

impl Refusal {
    /// Not now; perhaps later.
    pub const LATER: Self = Self::TryLater { after: None };

    /// Whether the same request may succeed later without being changed.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::TryLater { .. } | Self::PutOff(_) | Self::NoRoom | Self::OverQuota(_) | Self::LimitReached(_) => true,
            Self::ByFilter { code, .. } => *code < 500,
            _ => false,
        }
    }

    /// Whether it is the house that cannot at this moment, whatever was asked for.
    pub const fn is_of_the_house(&self) -> bool {
        matches!(self, Self::TryLater { .. } | Self::NoRoom)
    }
}
