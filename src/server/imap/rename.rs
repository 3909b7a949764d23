//! RENAME (RFC 3501 §6.3.5, RFC 9051 §6.3.6).

use crate::model::account::User;
use crate::model::mailbox::SEPARATOR;
use crate::model::rights::Rights;
use crate::server::stream::Stream;
use crate::wire::imap::response::Word;

use super::list::Line;
use super::outcome::{Done, Fault};
use super::session::Enabled;
use super::{Imap, select};

pub(super) async fn rename(imap: &Imap, user: &User, names: (&str, &str), client: (&mut Stream, Enabled)) -> Result<Done, Fault> {
    let (from, to) = (
        select::name(names.0)?,
        select::name(names.1.strip_suffix(SEPARATOR).unwrap_or(names.1))?,
    );
    let (old, new) = (imap.mailboxes.access(user, &from).await?, imap.mailboxes.access(user, &to).await?);
    old.require(Rights::DELETE)?;
    new.require(Rights::CREATE)?;
    if old.owner().id != new.owner().id || (!old.is_own() && old.name.is_inbox()) {
        return Err(Fault::no(Word::Cannot, "a mailbox stays its owner's"));
    }
    imap.mailboxes.rename(old.owner(), &old.name, &new.name).await?;
    let (stream, enabled) = client;
    if enabled.rev2 && !from.is_inbox() {
        let mut out = Vec::new();
        let line = Line::named(to.as_str(), enabled.utf8_names());
        line.instead_of(from.as_str()).write(&mut out);
        stream.write(&out);
    }
    Ok(Done::new("the mailbox was renamed"))
}
