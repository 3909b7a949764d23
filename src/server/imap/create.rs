//! CREATE (RFC 3501 §6.3.3, RFC 6154 §3, RFC 8474 §4.1).

use crate::model::account::User;
use crate::model::mailbox::SEPARATOR;
use crate::wire::imap::command::Create;
use crate::wire::imap::response::Code;

use super::outcome::{Done, Fault};
use super::{Imap, select};

pub(super) async fn create(imap: &Imap, user: &User, create: Create) -> Result<Done, Fault> {
    // RFC 3501 §6.3.3: a separator at the end only says that there will be mailboxes below.
    let text = create.mailbox.strip_suffix(SEPARATOR).unwrap_or(&create.mailbox);
    let made = imap.mailboxes.create(user, &select::name(text)?, create.special_use).await?;
    Ok(Done::with(Code::MailboxId(made.id), "the mailbox was made"))
}
