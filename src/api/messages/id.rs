//! The name of a message over the API: `{mailbox id}-{uid}`.

use std::fmt;
use std::str::FromStr;

use crate::model::ids::{BadId, MailboxId, Uid};

/// The name of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct MessageId {
    pub mailbox: MailboxId,
    pub uid: Uid,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.mailbox, self.uid)
    }
}

impl FromStr for MessageId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let (mailbox, uid) = text.split_once('-').ok_or(BadId)?;
        let uid = Some(uid)
            .filter(|uid| uid.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|uid| uid.parse().ok());
        match uid {
            Some(uid) if uid > 0 => Ok(Self {
                mailbox: mailbox.parse()?,
                uid: Uid(uid),
            }),
            _ => Err(BadId),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_and_read_back() {
        let id = MessageId {
            mailbox: MailboxId(7),
            uid: Uid(4_294_967_295),
        };
        assert_eq!(id.to_string(), "0000000000007-4294967295");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "-", "7", "7-", "7-0", "7-+1", "7-4294967296", "u-1", "-1"] {
            assert_eq!(bad.parse::<MessageId>(), Err(BadId), "{bad}");
        }
    }
}
