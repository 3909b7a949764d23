//! NOTIFY as a value (RFC 5465 §8).

use super::fetch::Item;

/// What a client wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notify {
    /// Nothing.
    None,
    /// This.
    Set {
        /// Whether the mailboxes are told as they are now.
        status: bool,
        /// What of which mailboxes.
        groups: Vec<Group>,
    },
    /// An event that we do not know.
    Unsupported,
}

/// Events of some mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Which mailboxes.
    pub filter: Filter,
    /// Which events.
    pub events: Events,
}

/// Which mailboxes (RFC 5465 §6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// SELECTED
    Selected,
    /// SELECTED-DELAYED
    SelectedDelayed,
    /// INBOXES
    Inboxes,
    /// PERSONAL
    Personal,
    /// SUBSCRIBED
    Subscribed,
    /// SUBTREE, with the names above.
    Subtree(Vec<String>),
    /// MAILBOXES, with their names.
    Mailboxes(Vec<String>),
}

impl Filter {
    /// Whether it is the mailbox that is selected.
    pub fn is_selected(&self) -> bool {
        matches!(self, Self::Selected | Self::SelectedDelayed)
    }
}

/// Which events (RFC 5465 §5). The default is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Events {
    /// MessageNew, with what is to be fetched of each.
    pub new: Option<Vec<Item>>,
    /// MessageExpunge
    pub expunge: bool,
    /// FlagChange
    pub flags: bool,
    /// MailboxName
    pub names: bool,
    /// SubscriptionChange
    pub subscriptions: bool,
    /// MailboxMetadataChange
    pub annotations: bool,
    /// ServerMetadataChange
    pub server: bool,
}

/// The names of the events, for BADEVENT.
pub const EVENTS: [&str; 7] = [
    "MessageNew",
    "MessageExpunge",
    "FlagChange",
    "MailboxName",
    "SubscriptionChange",
    "MailboxMetadataChange",
    "ServerMetadataChange",
];
