//! An account as files that other programs read: a Maildir with its folders, or an mbox file for each mailbox.
//!
//! `cli` calls it, also while a server runs. What is exported to a Maildir again brings what has come since.

mod maildir;
mod mbox;

use std::path::Path;
use std::sync::Arc;

use super::mailbox::{Mailbox, Mailboxes};
use crate::model::account::User;
use crate::model::ids::Uid;
use crate::model::mailbox::{MailboxName, MessageMeta};
use crate::model::refusal::Refusal;

/// So many messages are read at a time.
const PORTION: usize = 64;

/// What they are exported to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A Maildir with Maildir++ folders, and the UIDs and keywords as Dovecot keeps them.
    Maildir,
    /// A directory of mbox files, in the form mboxrd.
    Mbox,
}

/// What became of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    pub mailbox: MailboxName,
    /// Messages in it.
    pub messages: u64,
    /// Written now.
    pub written: u64,
}

/// Exports all mailboxes of a user.
pub async fn export(mailboxes: &Mailboxes, user: &User, (form, to): (Form, &Path)) -> Result<Vec<Exported>, Refusal> {
    let mut done = Vec::new();
    for info in mailboxes.list(user).await? {
        let mailbox = mailboxes.open_id(user, info.id).await?;
        let written = match form {
            Form::Maildir => maildir::export(&mailbox, to).await?,
            Form::Mbox => mbox::export(&mailbox, to).await?,
        };
        done.push(Exported {
            mailbox: info.name,
            messages: mailbox.messages().len() as u64,
            written,
        });
    }
    Ok(done)
}

/// Reads messages some at a time, and gives their octets with what is known of them; those that go meanwhile are left out.
async fn each(
    mailbox: &Arc<Mailbox>,
    wanted: Vec<MessageMeta>,
    mut take: impl AsyncFnMut(MessageMeta, Vec<u8>) -> Result<(), Refusal>,
) -> Result<u64, Refusal> {
    let mut count = 0_u64;
    for portion in wanted.chunks(PORTION) {
        let uids: Vec<Uid> = portion.iter().map(|message| message.uid).collect();
        let opened = mailbox.open_messages(&uids).await?;
        for (message, stored) in portion.iter().zip(opened) {
            let Some(stored) = stored else { continue };
            take(message.clone(), stored.read_all().await?.to_vec()).await?;
            count = count.saturating_add(1);
        }
    }
    Ok(count)
}
