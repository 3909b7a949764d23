//! What the queue shows of its messages, and how they are picked out of it.

use std::str::FromStr;

use jiff::Timestamp;

use super::address::{Domain, EmailAddress};
use super::envelope::ReversePath;
use super::ids::MailId;

/// What became of a recipient so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientState {
    /// To be delivered.
    Waiting,
    /// To be delivered, but not before it is released.
    Held,
    /// Delivered.
    Delivered,
    /// Failed; the sender is told, or was.
    Failed,
}

impl RecipientState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Held, Self::Delivered, Self::Failed];

    /// Its name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for RecipientState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| "right would be waiting, held, delivered or failed".to_owned())
    }
}

/// Picks recipients of queued messages: those that fulfil all that is set. The default picks all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueFilter {
    /// Of this message.
    pub id: Option<MailId>,
    /// Sent by this address, in any case; the null sender is one too.
    pub sender: Option<ReversePath>,
    /// Sent by any address of this domain.
    pub sender_domain: Option<Domain>,
    /// To this address, in any case.
    pub recipient: Option<EmailAddress>,
    /// To any address of this domain.
    pub recipient_domain: Option<Domain>,
    /// In this state.
    pub state: Option<RecipientState>,
    /// Queued before this moment.
    pub before: Option<Timestamp>,
    /// With this text in the last error, in any case.
    pub error: Option<String>,
}

/// What is to be done with recipients of queued messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steering {
    /// What waits is not delivered before it is released.
    Hold,
    /// What is held waits again, and is tried at once.
    Release,
    /// What waits is tried at once.
    Retry,
    /// What waits or is held fails now, and the sender is told.
    Expire,
    /// What waits or is held, and failures not yet reported, are forgotten; nobody is told.
    Remove,
}
