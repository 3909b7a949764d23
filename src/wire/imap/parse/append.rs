//! The begin of APPEND and REPLACE.

use super::{mailbox, tag};
use crate::wire::imap::append::{Head, Replaced};
use crate::wire::imap::cursor::{Cursor, Malformed, Utf8};
use crate::wire::imap::sequence;

/// Reads the begin of `octets`: the head of an APPEND or a REPLACE and its length, none if it is something else, or the mailbox is not
/// whole (RFC 3501 §6.3.11, RFC 8508 §3.2).
pub fn head(octets: &[u8], utf8: Utf8) -> Option<(usize, Head)> {
    let mut cursor = Cursor::new(octets).with_utf8(utf8);
    let tag = tag(&mut cursor).ok()?;
    cursor.space().ok()?;
    let replaces = match cursor.word("APPEND").ok()?.as_str() {
        "APPEND" => None,
        "REPLACE" => Some(replaced(&mut cursor, false).ok()?),
        "UID" => {
            cursor.space().ok()?;
            let word = cursor.word("REPLACE").ok()?;
            Some(replaced(&mut cursor, true).ok().filter(|_| word == "REPLACE")?)
        }
        _ => return None,
    };
    let mailbox = mailbox::argument(&mut cursor).ok()?;
    // What comes behind is read line by line. Without it the command is not one of these.
    (cursor.peek() == Some(b' ')).then(|| {
        let head = Head { tag, replaces, mailbox };
        (cursor.passed(), head)
    })
}

fn replaced(cursor: &mut Cursor<'_>, uid: bool) -> Result<Replaced, Malformed> {
    cursor.space()?;
    let message = sequence::bound(cursor)?;
    Ok(Replaced { uid, message })
}
