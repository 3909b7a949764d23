//! RENAME (RFC 3501 §6.3.5).

use crate::model::account::User;
use crate::model::mailbox::SEPARATOR;

use super::outcome::{Done, Fault};
use super::{Imap, select};

pub(super) async fn rename(imap: &Imap, user: &User, from: &str, to: &str) -> Result<Done, Fault> {
    let to = to.strip_suffix(SEPARATOR).unwrap_or(to);
    imap.mailboxes.rename(user, &select::name(from)?, &select::name(to)?).await?;
    Ok(Done::new("the mailbox was renamed"))
}
