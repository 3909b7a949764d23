//! The maildrop of a session: the messages of the INBOX as they were at the login, numbered from 1 (RFC 1939 §5).

use std::sync::Arc;

use super::refusal;
use crate::mail::mailbox::{Mailbox, Mailboxes, MaildropLock, Messages};
use crate::model::account::User;
use crate::model::ids::Uid;
use crate::model::mailbox::{MailboxName, MessageMeta};
use crate::wire::pop3::command::MessageNumber;
use crate::wire::pop3::reply::{Reply, fixed};

/// The maildrop that a session holds the lock of.
pub(super) struct Maildrop {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) uidvalidity: u32,
    pub(super) scan: Scan,
    /// Let go when the session ends, however it ends.
    _lock: MaildropLock,
}

impl Maildrop {
    /// Takes the lock and the list of messages.
    pub(super) async fn open(mailboxes: &Mailboxes, user: &User) -> Result<Self, Reply> {
        let lock = mailboxes.lock_maildrop(user.id).ok_or(fixed::IN_USE)?;
        let mailbox = mailboxes
            .open(user, &MailboxName::inbox())
            .await
            .map_err(|refusal| refusal::spell(&refusal))?;
        Ok(Self {
            uidvalidity: mailbox.info().uidvalidity,
            scan: Scan::new(mailbox.messages()),
            mailbox,
            _lock: lock,
        })
    }
}

/// The messages of a session, and which are marked for removal.
pub(super) struct Scan {
    messages: Messages,
    marked: Vec<bool>,
}

impl Scan {
    fn new(messages: Messages) -> Self {
        let marked = vec![false; messages.len()];
        Self { messages, marked }
    }

    /// The messages that are not marked, with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &MessageMeta)> {
        let numbered = (1_u32..).zip(self.messages.iter()).zip(&self.marked);
        numbered.filter(|(_, marked)| !**marked).map(|(message, _)| message)
    }

    /// The message of this number, unless it is marked (RFC 1939 §5, DELE: any further reference is an error).
    pub(super) fn message(&self, number: MessageNumber) -> Option<&MessageMeta> {
        let at = index(number)?;
        let marked = self.marked.get(at)?;
        self.messages.get(at).filter(|_| !*marked)
    }

    /// Marks the message; whether there is one that was not marked.
    pub(super) fn mark(&mut self, number: MessageNumber) -> bool {
        let slot = index(number).and_then(|at| self.marked.get_mut(at)).filter(|marked| !**marked);
        slot.map(|marked| *marked = true).is_some()
    }

    /// Takes all marks away.
    pub(super) fn unmark_all(&mut self) {
        self.marked.fill(false);
    }

    /// The UIDs of the marked messages.
    pub(super) fn marked(&self) -> Vec<Uid> {
        let pairs = self.messages.iter().zip(&self.marked);
        pairs.filter(|(_, marked)| **marked).map(|(message, _)| message.uid).collect()
    }
}

fn index(number: MessageNumber) -> Option<usize> {
    usize::try_from(number.0.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::ModSeq;
    use crate::model::mailbox::Flags;

    fn scan() -> Scan {
        let message = |(uid, size)| MessageMeta {
            uid: Uid(uid),
            flags: Flags::NONE,
            modseq: ModSeq(1),
            size,
            internal_date: jiff::Timestamp::UNIX_EPOCH,
        };
        Scan::new([(3, 120), (7, 200), (9, 5)].into_iter().map(message).collect())
    }

    #[test]
    fn numbers_stay_when_messages_are_marked() {
        let mut scan = scan();
        assert!(scan.mark(MessageNumber(2)));
        assert!(!scan.mark(MessageNumber(2)));
        assert!(!scan.mark(MessageNumber(0)));
        assert!(!scan.mark(MessageNumber(4)));
        let listed: Vec<_> = scan.iter().map(|(number, message)| (number, message.size)).collect();
        assert_eq!(listed, [(1, 120), (3, 5)]);
        assert_eq!(scan.message(MessageNumber(2)), None);
        assert_eq!(scan.message(MessageNumber(3)).map(|it| it.uid), Some(Uid(9)));
        assert_eq!(scan.marked(), [Uid(7)]);
        scan.unmark_all();
        assert_eq!(scan.marked(), []);
        assert_eq!(scan.iter().count(), 3);
    }
}
