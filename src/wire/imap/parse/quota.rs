//! GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208 §4.1).

use super::mailbox;
use crate::wire::imap::command::Command;
use crate::wire::imap::cursor::{Cursor, Malformed};

/// RFC 9208 §4.1.1.
pub(super) fn get_quota(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    cursor.space()?;
    cursor.text().map(Command::GetQuota)
}

/// RFC 9208 §4.1.2.
pub(super) fn get_quota_root(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    mailbox::argument(cursor).map(Command::GetQuotaRoot)
}

/// RFC 9208 §4.1.3.
pub(super) fn set_quota(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    cursor.space()?;
    cursor.text()?;
    cursor.space()?;
    cursor.list(|cursor| {
        cursor.word("a resource such as STORAGE")?;
        cursor.space()?;
        cursor.number()
    })?;
    Ok(Command::SetQuota)
}
