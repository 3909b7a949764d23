//! STORE, COPY, MOVE, UID EXPUNGE.

use super::mailbox;
use crate::wire::imap::command::{Command, Store, StoreMode, Transfer};
use crate::wire::imap::cursor::{Cursor, Malformed};
use crate::wire::imap::flag::Flag;
use crate::wire::imap::sequence::SequenceSet;

/// RFC 3501 §6.4.6, RFC 7162 §3.1.3.
pub(super) fn store(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, Malformed> {
    cursor.space()?;
    let set = SequenceSet::read(cursor)?;
    cursor.space()?;
    let mut unchanged_since = None;
    if cursor.eat(b'(') {
        if !cursor.eat_text("UNCHANGEDSINCE") {
            return cursor.wrong("UNCHANGEDSINCE");
        }
        cursor.space()?;
        unchanged_since = Some(cursor.number()?);
        cursor.expect(b')', "')'")?;
        cursor.space()?;
    }
    let mode = if cursor.eat(b'+') {
        StoreMode::Add
    } else if cursor.eat(b'-') {
        StoreMode::Remove
    } else {
        StoreMode::Replace
    };
    let start = cursor.clone();
    let silent = match cursor.word("FLAGS")?.as_str() {
        "FLAGS" => false,
        "FLAGS.SILENT" => true,
        _ => return start.wrong("FLAGS or FLAGS.SILENT"),
    };
    cursor.space()?;
    let flags = flags(cursor)?;
    Ok(Command::Store(Store {
        uid,
        set,
        mode,
        silent,
        flags,
        unchanged_since,
    }))
}

/// A list in parentheses, or flags with only spaces between them.
fn flags(cursor: &mut Cursor<'_>) -> Result<Vec<Flag>, Malformed> {
    if cursor.peek() == Some(b'(') {
        return cursor.list(Flag::read);
    }
    let mut flags = vec![Flag::read(cursor)?];
    while !cursor.before_end() {
        cursor.space()?;
        flags.push(Flag::read(cursor)?);
    }
    Ok(flags)
}

/// RFC 3501 §6.4.7, RFC 6851 §3.
pub(super) fn transfer(cursor: &mut Cursor<'_>, uid: bool) -> Result<Transfer, Malformed> {
    cursor.space()?;
    let set = SequenceSet::read(cursor)?;
    let mailbox = mailbox::argument(cursor)?;
    Ok(Transfer { uid, set, mailbox })
}

/// RFC 4315 §2.1.
pub(super) fn uid_expunge(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    cursor.space()?;
    SequenceSet::read(cursor).map(|set| Command::Expunge(Some(set)))
}
