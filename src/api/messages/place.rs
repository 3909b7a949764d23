//! Which mailbox is meant: by its name, or by its id.

use std::sync::Arc;

use crate::api::house::House;
use crate::api::problem::{Kind, Problem};
use crate::mail::mailbox::Mailbox;
use crate::model::account::User;
use crate::model::ids::MailboxId;
use crate::model::mailbox::MailboxName;
use crate::model::refusal::Refusal;

/// A mailbox of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api) enum Place {
    Name(MailboxName),
    Id(MailboxId),
}

impl Place {
    /// What the fields `mailbox` and `mailbox_id` of a request name; none if neither is there. `kind` is what the problem is otherwise.
    pub fn read(kind: Kind, name: Option<&str>, id: Option<&str>) -> Result<Option<Self>, Problem> {
        match (name, id) {
            (Some(_), Some(_)) => Err(Problem::new(kind, "either mailbox or mailbox_id names a mailbox, not both").at("mailbox_id")),
            (Some(name), None) => match MailboxName::parse(name) {
                Ok(name) => Ok(Some(Self::Name(name))),
                Err(error) => Err(Problem::new(kind, error.to_string()).at("mailbox")),
            },
            (None, Some(id)) => match id.parse() {
                Ok(id) => Ok(Some(Self::Id(id))),
                Err(_) => Err(Problem::new(kind, "it is no id of a mailbox").at("mailbox_id")),
            },
            (None, None) => Ok(None),
        }
    }

    /// The INBOX.
    pub fn inbox() -> Self {
        Self::Name(MailboxName::inbox())
    }

    /// Opens the mailbox of this user.
    pub async fn open(&self, house: &House, user: &User) -> Result<Arc<Mailbox>, Refusal> {
        match self {
            Self::Name(name) => house.mailboxes.open(user, name).await,
            Self::Id(id) => house.mailboxes.open_id(user, *id).await,
        }
    }
}
