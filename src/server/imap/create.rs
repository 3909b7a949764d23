//! CREATE (RFC 3501 §6.3.3, RFC 6154 §3, RFC 8474 §4.1).

use crate::model::account::User;
use crate::model::mailbox::SEPARATOR;
use crate::model::rights::Rights;
use crate::server::stream::Stream;
use crate::wire::imap::command::Create;
use crate::wire::imap::response::{Code, Word};

use super::list::Line;
use super::outcome::{Done, Fault};
use super::session::Enabled;
use super::{Imap, select};

pub(super) async fn create(imap: &Imap, user: &User, create: Create, client: (&mut Stream, Enabled)) -> Result<Done, Fault> {
    let special_use = create
        .special_use
        .map_err(|_| Fault::no(Word::UseAttr, "a mailbox has one use, of those that are listed"))?;
    // RFC 3501 §6.3.3: a separator at the end only says that there will be mailboxes below.
    let text = create.mailbox.strip_suffix(SEPARATOR).unwrap_or(&create.mailbox);
    let access = imap.mailboxes.access(user, &select::name(text)?).await?;
    access.require(Rights::CREATE)?;
    let special_use = special_use.filter(|_| access.is_own());
    let made = imap.mailboxes.create(access.owner(), &access.name, special_use).await?;
    let (stream, enabled) = client;
    // RFC 9051 §6.3.4: the name as it is spelled here, if the client spells it otherwise.
    if enabled.rev2 && access.shown.as_str() != text {
        let mut out = Vec::new();
        let line = Line::named(access.shown.as_str(), enabled.utf8_names());
        line.instead_of(text).write(&mut out);
        stream.write(&out);
    }
    Ok(Done::with(Code::MailboxId(made.id), "the mailbox was made"))
}
