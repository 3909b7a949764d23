//! DELETE (RFC 3501 §6.3.4).

use crate::mail::mailbox::Contents;
use crate::model::account::User;
use crate::model::refusal::Refusal;
use crate::model::rights::Rights;
use crate::wire::imap::response::{Code, Word};

use super::outcome::{Done, Fault};
use super::{Imap, select};

pub(super) async fn delete(imap: &Imap, user: &User, mailbox: &str) -> Result<Done, Fault> {
    let access = imap.mailboxes.access(user, &select::name(mailbox)?).await?;
    access.require(Rights::DELETE)?;
    match imap.mailboxes.delete(access.owner(), &access.name, Contents::Any).await {
        Ok(()) => Ok(Done::new("the mailbox was removed")),
        // RFC 9051 §7.1: that is what holds it.
        Err(Refusal::InUse(text)) => Err(Fault::No(Code::Word(Word::HasChildren), text.into())),
        Err(refusal) => Err(refusal.into()),
    }
}
