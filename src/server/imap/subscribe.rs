//! SUBSCRIBE and UNSUBSCRIBE (RFC 3501 §6.3.6, §6.3.7).

use crate::model::account::User;

use super::outcome::{Done, Fault};
use super::{Imap, select};

pub(super) async fn subscribe(imap: &Imap, user: &User, mailbox: &str) -> Result<Done, Fault> {
    imap.mailboxes.subscribe(user, &select::name(mailbox)?, true).await?;
    Ok(Done::new("subscribed"))
}

pub(super) async fn unsubscribe(imap: &Imap, user: &User, mailbox: &str) -> Result<Done, Fault> {
    imap.mailboxes.subscribe(user, &select::name(mailbox)?, false).await?;
    Ok(Done::new("unsubscribed"))
}
