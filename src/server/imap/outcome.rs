//! What becomes of a command: the tagged response, before it is spelled.

use std::borrow::Cow;

use crate::model::refusal::Refusal;
use crate::server::stream::Gone;
use crate::wire::imap::response::{Code, Word};

/// The command was done: OK.
#[derive(Debug)]
pub(super) struct Done {
    /// The response code.
    pub code: Option<Code>,
    /// The text for people.
    pub text: &'static str,
    /// What comes after the tagged response.
    pub then: Then,
}

/// What comes after the tagged response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The next command.
    GoOn,
    /// The TLS handshake.
    Handshake,
    /// A compressed connection.
    Compress,
}

impl Done {
    /// OK with a text.
    pub(super) const fn new(text: &'static str) -> Self {
        Self {
            code: None,
            text,
            then: Then::GoOn,
        }
    }

    /// OK with a code and a text.
    pub(super) const fn with(code: Code, text: &'static str) -> Self {
        Self {
            code: Some(code),
            text,
            then: Then::GoOn,
        }
    }
}

/// The command was not done.
#[derive(Debug)]
pub(super) enum Fault {
    /// NO: a service said no.
    Refused(Refusal),
    /// NO: the session itself says no.
    No(Code, Cow<'static, str>),
    /// BAD: the client should not have sent it. Counted; too many end the session.
    Bad(Cow<'static, str>),
    /// BAD, with a code.
    BadWith(Word, &'static str),
    /// The connection is gone.
    Gone(Gone),
}

impl Fault {
    /// NO with a code of one word.
    pub(super) const fn no(word: Word, text: &'static str) -> Self {
        Self::No(Code::Word(word), Cow::Borrowed(text))
    }

    /// BAD.
    pub(super) const fn bad(text: &'static str) -> Self {
        Self::Bad(Cow::Borrowed(text))
    }

    /// RFC 9586 §3: a client that has asked for UIDs alone must use them.
    pub(super) const fn uid_required() -> Self {
        Self::BadWith(Word::UidRequired, "you have asked for UIDs alone")
    }

    /// A refusal of a command whose target mailbox must exist: CREATE may help (RFC 3501 §7.1 TRYCREATE).
    pub(super) fn of_target(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound { .. } => Self::No(Code::TryCreate, refusal.to_string().into()),
            refusal => Self::Refused(refusal),
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Gone> for Fault {
    fn from(gone: Gone) -> Self {
        Self::Gone(gone)
    }
}
