//! Stored mail: lists, searches and threads, one message for people, its octets, its attachments; changing, importing, waiting.

pub(super) mod attachment;
pub(super) mod batch;
pub(super) mod change;
pub(super) mod copy;
mod filter;
mod find;
mod html;
mod id;
pub(super) mod import;
pub(super) mod list;
mod marks;
mod place;
pub(super) mod raw;
pub(super) mod remove;
pub(super) mod search;
pub(super) mod show;
mod stream;
mod summary;
pub(super) mod threads;
pub(super) mod wait;

pub(super) use id::MessageId;
pub(super) use summary::{MessageMarks, Shelf};

use std::sync::Arc;

use super::field::Login;
use super::house::House;
use super::mailboxes::owner;
use super::reply::segment;
use crate::mail::mailbox::{Mailbox, StoredMessage};
use crate::model::account::User;
use crate::model::mailbox::MessageMeta;
use crate::model::refusal::Refusal;
use crate::model::revision::Revision;

/// A message that was found, opened for reading.
struct Opened {
    mailbox: Arc<Mailbox>,
    meta: MessageMeta,
    file: StoredMessage,
}

impl Opened {
    /// It was there, and is no more.
    fn gone(&self) -> Refusal {
        let mailbox = self.mailbox.info().id;
        let uid = self.meta.uid;
        gone(MessageId { mailbox, uid })
    }
}

fn gone(id: MessageId) -> Refusal {
    Refusal::NotFound {
        what: "message",
        name: id.to_string(),
    }
}

/// A message that was found.
struct Located {
    user: Arc<User>,
    mailbox: Arc<Mailbox>,
    meta: MessageMeta,
}

impl Located {
    fn id(&self) -> MessageId {
        MessageId {
            mailbox: self.mailbox.info().id,
            uid: self.meta.uid,
        }
    }

    /// The state that it is in.
    fn revision(&self) -> Revision {
        Revision::of_message(self.meta.uid, self.meta.modseq)
    }
}

/// Finds the message of this user.
async fn located(house: &House, login: &Login, id: MessageId) -> Result<Located, Refusal> {
    let user = owner(house, login).await?;
    let mailbox = match house.mailboxes.open_id(&user, id.mailbox).await {
        Err(Refusal::NotFound { .. }) => return Err(gone(id)),
        opened => opened?,
    };
    let meta = mailbox.message(id.uid).ok_or_else(|| gone(id))?;
    Ok(Located { user, mailbox, meta })
}

/// Finds the message of this user and opens it.
async fn open(house: &House, login: &Login, id: MessageId) -> Result<Opened, Refusal> {
    let Located { mailbox, meta, .. } = located(house, login, id).await?;
    let file = mailbox.open_message(id.uid).await?.ok_or_else(|| gone(id))?;
    Ok(Opened { mailbox, meta, file })
}

/// The messages of a user, as a path below the base.
fn collection(login: &Login) -> String {
    format!("users/{}/messages", segment(&login.to_string()))
}
