//! GETMETADATA and SETMETADATA (RFC 5464 §5).

use super::mailbox;
use crate::wire::imap::command::{Command, Depth, GetMetadata};
use crate::wire::imap::cursor::{Cursor, Malformed};

/// The most entries of a command, and the longest name of one.
const MAX_ENTRIES: usize = 1000;
const MAX_NAME: usize = 255;

/// RFC 5464 §4.2. The options stand before the mailbox in the grammar, and behind it in the examples.
pub(super) fn get(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    let mut get = GetMetadata {
        mailbox: String::new(),
        entries: Vec::new(),
        max_size: None,
        depth: Depth::Zero,
    };
    cursor.space()?;
    if cursor.peek() == Some(b'(') {
        options(cursor, &mut get)?;
        cursor.space()?;
    }
    get.mailbox = mailbox::name(cursor)?;
    cursor.space()?;
    let mut ahead = cursor.clone();
    if ahead.peek() == Some(b'(') && options(&mut ahead, &mut get).is_ok() {
        *cursor = ahead;
        cursor.space()?;
    }
    let start = cursor.clone();
    get.entries = match cursor.peek() {
        Some(b'(') => cursor.list(entry)?,
        _ => vec![entry(cursor)?],
    };
    if get.entries.is_empty() || get.entries.len() > MAX_ENTRIES {
        return start.wrong("1 to 1000 entries");
    }
    Ok(Command::GetMetadata(get))
}

fn options(cursor: &mut Cursor<'_>, get: &mut GetMetadata) -> Result<(), Malformed> {
    cursor.list(|cursor| {
        let start = cursor.clone();
        match cursor.word("an option")?.as_str() {
            "MAXSIZE" => {
                cursor.space()?;
                get.max_size = Some(cursor.number()?);
            }
            "DEPTH" => {
                cursor.space()?;
                let start = cursor.clone();
                get.depth = match cursor.word("0, 1 or infinity")?.as_str() {
                    "0" => Depth::Zero,
                    "1" => Depth::One,
                    "INFINITY" => Depth::Infinity,
                    _ => return start.wrong("0, 1 or infinity"),
                };
            }
            _ => return start.wrong("MAXSIZE or DEPTH"),
        }
        Ok(())
    })?;
    Ok(())
}

/// RFC 5464 §4.3.
pub(super) fn set(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    let mailbox = mailbox::argument(cursor)?;
    cursor.space()?;
    let start = cursor.clone();
    let values = cursor.list(|cursor| {
        let entry = entry(cursor)?;
        cursor.space()?;
        Ok((entry, cursor.nstring()?.map(|value| value.into_owned())))
    })?;
    if values.is_empty() || values.len() > MAX_ENTRIES {
        return start.wrong("1 to 1000 entries with values");
    }
    Ok(Command::SetMetadata { mailbox, values })
}

/// A name: in small letters, since its case means nothing (RFC 5464 §3.2).
fn entry(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    let start = cursor.clone();
    let name = cursor.text()?.to_ascii_lowercase();
    let is_plain = name.bytes().all(|b| (b' '..0x7f).contains(&b) && b != b'*' && b != b'%');
    let is_whole = !name.contains("//") && !name.ends_with('/');
    let begins = name.starts_with("/private/") || name.starts_with("/shared/");
    if is_plain && is_whole && begins && name.len() <= MAX_NAME {
        Ok(name)
    } else {
        start.wrong("an entry such as /private/comment")
    }
}
