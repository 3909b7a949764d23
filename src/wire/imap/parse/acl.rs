//! GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS (RFC 4314 §7).

use super::mailbox;
use crate::model::rights::Rights;
use crate::wire::imap::command::{Command, RightsChange, SetAcl};
use crate::wire::imap::cursor::{Cursor, Malformed};

/// The longest identifier, in octets.
const MAX_IDENTIFIER: usize = 400;

fn identifier(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    cursor.space()?;
    let start = cursor.clone();
    let text = cursor.text()?;
    // RFC 4314 §2: with '-' rights would be taken away from what others give, which we do not have.
    if text.is_empty() || text.len() > MAX_IDENTIFIER || text.starts_with('-') || text.chars().any(char::is_control) {
        return start.wrong("an identifier that does not begin with '-'");
    }
    Ok(text)
}

/// RFC 4314 §3.1.
pub(super) fn set(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    let mailbox = mailbox::argument(cursor)?;
    let identifier = identifier(cursor)?;
    cursor.space()?;
    let start = cursor.clone();
    let text = cursor.text()?;
    let read = |text: &str| Rights::parse(text).or_else(|_| start.wrong("rights that are known, in small letters"));
    let change = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(more), _) => RightsChange::Add(read(more)?),
        (_, Some(less)) => RightsChange::Remove(read(less)?),
        _ => RightsChange::Replace(read(&text)?),
    };
    Ok(Command::SetAcl(SetAcl {
        mailbox,
        identifier,
        change,
    }))
}

/// RFC 4314 §3.2.
pub(super) fn delete(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    let mailbox = mailbox::argument(cursor)?;
    let identifier = identifier(cursor)?;
    Ok(Command::SetAcl(SetAcl {
        mailbox,
        identifier,
        change: RightsChange::Replace(Rights::NONE),
    }))
}

/// RFC 4314 §3.4.
pub(super) fn list_rights(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    let mailbox = mailbox::argument(cursor)?;
    let identifier = identifier(cursor)?;
    Ok(Command::ListRights { mailbox, identifier })
}
