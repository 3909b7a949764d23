//! Reading stored mail: a list, one message for people, its octets, its attachments.

pub(super) mod attachment;
mod html;
mod id;
pub(super) mod list;
pub(super) mod raw;
pub(super) mod show;
mod stream;
mod summary;

use std::sync::Arc;

use id::MessageId;

use super::field::Login;
use super::house::House;
use super::mailboxes::owner;
use crate::mail::mailbox::{Mailbox, StoredMessage};
use crate::model::mailbox::MessageMeta;
use crate::model::refusal::Refusal;

/// A message that was found, opened for reading.
struct Opened {
    mailbox: Arc<Mailbox>,
    meta: MessageMeta,
    file: StoredMessage,
}

/// Finds the message of this user.
async fn open(house: &House, login: &Login, id: MessageId) -> Result<Opened, Refusal> {
    let gone = || Refusal::NotFound {
        what: "message",
        name: id.to_string(),
    };
    let user = owner(house, login).await?;
    let mailbox = match house.mailboxes.open_id(&user, id.mailbox).await {
        Err(Refusal::NotFound { .. }) => return Err(gone()),
        opened => opened?,
    };
    let messages = mailbox.messages();
    let at = messages.find(&id.uid, |meta| meta.uid).ok_or_else(gone)?;
    let meta = messages.get(at).cloned().ok_or_else(gone)?;
    let file = mailbox.open_message(id.uid).await?.ok_or_else(gone)?;
    Ok(Opened { mailbox, meta, file })
}
