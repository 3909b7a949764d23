//! The scripts by which a user has their mail filtered, and the form for an absence.

use jiff::Timestamp;

use super::ids::UserId;
use super::revision::Revision;

/// What is known of a script without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its name.
    pub name: String,
    /// In octets.
    pub size: u64,
    /// Whether it is the one that filters the user's mail.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Script {
    /// The state it is in, as a script of this user.
    pub fn revision(&self, owner: UserId) -> Revision {
        Revision::new(owner.0, self.updated_at)
    }
}

/// What the senders of new mail are told while the user is away (RFC 5230).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vacation {
    /// The subject of the reply; none: one that quotes the message's.
    pub subject: Option<String>,
    /// What it says.
    pub text: String,
    /// From when on; none: at once.
    pub from: Option<Timestamp>,
    /// Until when; none: until it is removed.
    pub until: Option<Timestamp>,
    /// Addresses of the user besides those that are known to lead to them.
    pub addresses: Vec<String>,
    /// Days until the same sender may get another reply.
    pub days: u32,
}

impl Vacation {
    /// Whether replies are sent at this time.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}
