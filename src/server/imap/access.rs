//! The mailboxes that commands name, with what the user may do with them (RFC 4314 §4).

use std::sync::Arc;

use crate::mail::mailbox::{Access, Coming, Mailbox};
use crate::model::account::User;
use crate::model::mailbox::MailboxName;
use crate::model::refusal::Refusal;
use crate::model::rights::Rights;

use super::outcome::Fault;
use super::{Imap, select};

/// A mailbox that is open.
pub(super) struct Opened {
    pub(super) mailbox: Arc<Mailbox>,
    /// What the user may do with it.
    pub(super) rights: Rights,
    /// The name that the user calls it by.
    pub(super) shown: MailboxName,
    /// Whether it is their own.
    pub(super) is_own: bool,
}

impl Opened {
    fn new(mailbox: Arc<Mailbox>, access: Access<'_>) -> Self {
        Self {
            mailbox,
            rights: access.rights,
            is_own: access.is_own(),
            shown: access.shown,
        }
    }
}

/// Opens a mailbox, if the user may do this with it.
pub(super) async fn open(imap: &Imap, user: &User, text: &str, needed: Rights) -> Result<Opened, Refusal> {
    let access = permitted(imap, user, text, needed).await?;
    let mailbox = imap.mailboxes.open(access.owner(), &access.name).await?;
    Ok(Opened::new(mailbox, access))
}

/// Opens a mailbox to read it, like [`open`], but without waiting for messages that are on their way into the index.
pub(super) async fn open_at_once(imap: &Imap, user: &User, text: &str) -> Result<(Opened, Option<Coming>), Refusal> {
    let access = permitted(imap, user, text, Rights::READ).await?;
    let (mailbox, coming) = imap.mailboxes.open_at_once(access.owner(), &access.name).await?;
    Ok((Opened::new(mailbox, access), coming))
}

/// Opens a mailbox to put messages into it. If it is not there, CREATE may help (RFC 3501 §7.1 TRYCREATE).
pub(super) async fn target(imap: &Imap, user: &User, text: &str) -> Result<Opened, Fault> {
    let access = permitted(imap, user, text, Rights::INSERT).await.map_err(Fault::of_target)?;
    let opened = imap.mailboxes.open_to_add(access.owner(), &access.name).await;
    Ok(Opened::new(opened.map_err(Fault::of_target)?, access))
}

/// What a name leads to, if the user may do this with it.
async fn permitted<'u>(imap: &Imap, user: &'u User, text: &str, needed: Rights) -> Result<Access<'u>, Refusal> {
    let access = imap.mailboxes.access(user, &select::name(text)?).await?;
    access.require(needed)?;
    Ok(access)
}
