//! Telling what is moved into mailboxes for junk and out of them, so that others may learn from it.

use std::sync::OnceLock;

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{Copied, Mailbox, Mailboxes};
use crate::model::ids::{MailboxId, Uid};
use crate::model::mailbox::SpecialUse;

/// So many moves wait to be looked at; what comes while there is no room is not told.
const WAITING: usize = 1_000;

/// Messages that somebody has put into a mailbox for junk, or taken out of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resorted {
    /// Whose they are.
    pub login: String,
    /// Where they are now.
    pub mailbox: MailboxId,
    /// Which.
    pub uids: Vec<Uid>,
    /// Whether they are junk now.
    pub is_junk: bool,
}

/// Who wants to hear of it, if anybody does.
pub(super) type Listener = OnceLock<Sender<Resorted>>;

impl Mailboxes {
    /// What is moved into mailboxes for junk and out of them from now on. There is one who hears it: the first who asks.
    pub fn resorted(&self) -> Receiver<Resorted> {
        let (sender, receiver) = channel(WAITING);
        if self.inner.resorted.set(sender).is_err() {
            tracing::error!("somebody hears already of what is moved into mailboxes for junk");
        }
        receiver
    }
}

impl Mailbox {
    /// Tells of messages that a client has brought here, if this is a mailbox for junk: so do programs that sort mail by themselves.
    pub fn tell_brought(&self, uids: &[Uid]) {
        if self.home().info.special_use == Some(SpecialUse::Junk) {
            self.hand_on(uids.to_vec(), true);
        }
    }

    /// Tells of messages that went to another mailbox, if it matters.
    pub(super) fn tell_resorted(&self, target: &Self, copied: &Copied) {
        let from = self.home().info.special_use;
        let to = target.home().info.special_use;
        if let Some(is_junk) = sorted_as(from, to) {
            target.hand_on(copied.uids.iter().map(|(_, new)| *new).collect(), is_junk);
        }
    }

    fn hand_on(&self, uids: Vec<Uid>, is_junk: bool) {
        let Some(listener) = self.house.resorted.get() else { return };
        let resorted = Resorted {
            login: self.home().owner.login.clone(),
            mailbox: self.id,
            uids,
            is_junk,
        };
        if listener.try_send(resorted).is_err() {
            tracing::debug!("too much is moved at a time to learn from all of it");
        }
    }
}

/// Whether a move says that a message is junk, or that it is none. What goes from the junk to the trash says nothing.
fn sorted_as(from: Option<SpecialUse>, to: Option<SpecialUse>) -> Option<bool> {
    let junk = Some(SpecialUse::Junk);
    match (from == junk, to == junk) {
        (false, true) => Some(true),
        (true, false) if to != Some(SpecialUse::Trash) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_say_what_a_message_is() {
        let (junk, trash, archive) = (Some(SpecialUse::Junk), Some(SpecialUse::Trash), Some(SpecialUse::Archive));
        for (from, to, said) in [
            (None, junk, Some(true)),
            (archive, junk, Some(true)),
            (junk, None, Some(false)),
            (junk, archive, Some(false)),
            (junk, trash, None),
            (trash, junk, Some(true)),
            (junk, junk, None),
            (None, None, None),
            (None, trash, None),
        ] {
            assert_eq!(sorted_as(from, to), said, "{from:?} {to:?}");
        }
    }
}
