//! DELETE (RFC 3501 §6.3.4).

use crate::model::account::User;

use super::outcome::{Done, Fault};
use super::{Imap, select};

pub(super) async fn delete(imap: &Imap, user: &User, mailbox: &str) -> Result<Done, Fault> {
    imap.mailboxes.delete(user, &select::name(mailbox)?).await?;
    Ok(Done::new("the mailbox was removed"))
}
