//! What comes before the message of an APPEND.

use super::{mailbox, tag};
use crate::wire::imap::command::{Append, Tag};
use crate::wire::imap::cursor::{Cursor, Malformed};
use crate::wire::imap::date;
use crate::wire::imap::flag::Flag;

/// Reads `octets`, which end where a literal begins: the head of an APPEND if that literal is its message, none if it is another one
/// (RFC 3501 §6.3.11).
pub fn head(octets: &[u8]) -> Option<(Tag, Append)> {
    let mut cursor = Cursor::new(octets);
    let tag = tag(&mut cursor).ok()?;
    cursor.space().ok()?;
    if !cursor.word("APPEND").ok()?.eq("APPEND") {
        return None;
    }
    arguments(&mut cursor).ok().map(|append| (tag, append))
}

fn arguments(cursor: &mut Cursor<'_>) -> Result<Append, Malformed> {
    let mailbox = mailbox::argument(cursor)?;
    cursor.space()?;
    let mut flags = Vec::new();
    if cursor.peek() == Some(b'(') {
        flags = cursor.list(flag)?.into_iter().flatten().collect();
        cursor.space()?;
    }
    let mut date = None;
    if cursor.peek() == Some(b'"') {
        date = Some(date::date_time(cursor)?);
        cursor.space()?;
    }
    if !cursor.at_end() {
        return cursor.wrong("the literal of the message");
    }
    Ok(Append { mailbox, flags, date })
}

/// A flag; `\Recent`, which clients that copy between servers send along, is passed over.
fn flag(cursor: &mut Cursor<'_>) -> Result<Option<Flag>, Malformed> {
    if cursor.eat_text("\\Recent") {
        return Ok(None);
    }
    Flag::read(cursor).map(Some)
}
