//! The mailboxes that commands name, with what the user may do with them (RFC 4314 §4).

use std::sync::Arc;

use crate::mail::mailbox::Mailbox;
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

/// Opens a mailbox, if the user may do this with it.
pub(super) async fn open(imap: &Imap, user: &User, text: &str, needed: Rights) -> Result<Opened, Refusal> {
    let access = imap.mailboxes.access(user, &select::name(text)?).await?;
    access.require(needed)?;
    Ok(Opened {
        mailbox: imap.mailboxes.open(access.owner(), &access.name).await?,
        rights: access.rights,
        is_own: access.is_own(),
        shown: access.shown,
    })
}

/// Opens a mailbox to put messages into it. If it is not there, CREATE may help (RFC 3501 §7.1 TRYCREATE).
pub(super) async fn target(imap: &Imap, user: &User, text: &str) -> Result<Opened, Fault> {
    open(imap, user, text, Rights::INSERT).await.map_err(Fault::of_target)
}
