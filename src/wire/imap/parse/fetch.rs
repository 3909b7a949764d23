//! FETCH.

use crate::wire::imap::command::Command;
use crate::wire::imap::cursor::{Cursor, Malformed};
use crate::wire::imap::fetch::{Binary, Fetch, Form, Item, Section, What};
use crate::wire::imap::partial::Partial;
use crate::wire::imap::sequence::SequenceSet;

/// How deep a part may lie, and how many items or header names may be asked for.
const MAX_PART_DEPTH: usize = 50;
const MAX_ITEMS: usize = 200;

/// RFC 3501 §6.4.5, RFC 7162 §3.1.4.
pub(super) fn fetch(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, Malformed> {
    cursor.space()?;
    let set = SequenceSet::read(cursor)?;
    cursor.space()?;
    let start = cursor.clone();
    let mut items = if cursor.peek() == Some(b'(') {
        cursor.list(item)?
    } else {
        match macro_items(cursor) {
            Some(items) => items,
            None => vec![item(cursor)?],
        }
    };
    if items.is_empty() || items.len() > MAX_ITEMS {
        return start.wrong("1 to 200 items");
    }
    let modifiers = modifiers(cursor, uid)?;
    // RFC 3501 §6.4.8: UID FETCH answers with UIDs; RFC 7162 §3.1.4.1: CHANGEDSINCE with modseqs.
    if uid && !items.contains(&Item::Uid) {
        items.insert(0, Item::Uid);
    }
    if modifiers.changed_since.is_some() && !items.contains(&Item::ModSeq) {
        items.push(Item::ModSeq);
    }
    Ok(Command::Fetch(Fetch {
        uid,
        set,
        items,
        changed_since: modifiers.changed_since,
        vanished: modifiers.vanished,
        partial: modifiers.partial,
    }))
}

/// What may stand behind the items.
#[derive(Default)]
struct Modifiers {
    changed_since: Option<u64>,
    vanished: bool,
    partial: Option<Partial>,
}

/// `(CHANGEDSINCE 12345 VANISHED PARTIAL -1:-30)` (RFC 7162 §3.1.4.1, §3.2.6, RFC 9394 §3.3).
fn modifiers(cursor: &mut Cursor<'_>, uid: bool) -> Result<Modifiers, Malformed> {
    let mut modifiers = Modifiers::default();
    if cursor.before_end() {
        return Ok(modifiers);
    }
    cursor.space()?;
    let start = cursor.clone();
    cursor.list(|cursor| {
        let start = cursor.clone();
        match cursor.word("a modifier")?.as_str() {
            "CHANGEDSINCE" => {
                cursor.space()?;
                modifiers.changed_since = Some(cursor.number()?);
            }
            "VANISHED" => modifiers.vanished = true,
            "PARTIAL" => {
                cursor.space()?;
                modifiers.partial = Some(Partial::read(cursor)?);
            }
            _ => return start.wrong("CHANGEDSINCE, VANISHED or PARTIAL"),
        }
        Ok(())
    })?;
    if modifiers.vanished && (modifiers.changed_since.is_none() || !uid) {
        return start.wrong("VANISHED with UID FETCH and CHANGEDSINCE");
    }
    Ok(modifiers)
}

/// The macros, which stand alone.
fn macro_items(cursor: &mut Cursor<'_>) -> Option<Vec<Item>> {
    let mut ahead = cursor.clone();
    let mut items = vec![Item::Flags, Item::InternalDate, Item::Size];
    match ahead.word("a macro").ok()?.as_str() {
        "FAST" => {}
        "ALL" => items.push(Item::Envelope),
        "FULL" => items.extend([Item::Envelope, Item::Body]),
        _ => return None,
    }
    *cursor = ahead;
    Some(items)
}

/// Items in parentheses.
pub(super) fn list(cursor: &mut Cursor<'_>) -> Result<Vec<Item>, Malformed> {
    let start = cursor.clone();
    let items = cursor.list(item)?;
    if items.is_empty() || items.len() > MAX_ITEMS {
        return start.wrong("1 to 200 items");
    }
    Ok(items)
}

fn item(cursor: &mut Cursor<'_>) -> Result<Item, Malformed> {
    let start = cursor.clone();
    let name = cursor.take_while(|b| b.is_ascii_alphanumeric() || b == b'.', "an item of FETCH")?;
    let whole = |form, what, peek| {
        Ok(Item::Section(Section {
            form,
            part: Vec::new(),
            what,
            partial: None,
            peek,
        }))
    };
    match name.to_ascii_uppercase().as_slice() {
        b"FLAGS" => Ok(Item::Flags),
        b"UID" => Ok(Item::Uid),
        b"INTERNALDATE" => Ok(Item::InternalDate),
        b"RFC822.SIZE" => Ok(Item::Size),
        b"MODSEQ" => Ok(Item::ModSeq),
        b"ENVELOPE" => Ok(Item::Envelope),
        b"BODYSTRUCTURE" => Ok(Item::BodyStructure),
        b"BODY" if cursor.peek() == Some(b'[') => section(cursor, false).map(Item::Section),
        b"BODY.PEEK" => section(cursor, true).map(Item::Section),
        b"BODY" => Ok(Item::Body),
        b"PREVIEW" => Ok(Item::Preview {
            lazy: cursor.eat_text(" (LAZY)"),
        }),
        b"EMAILID" => Ok(Item::EmailId),
        b"THREADID" => Ok(Item::ThreadId),
        b"SAVEDATE" => Ok(Item::SaveDate),
        b"BINARY" => binary(cursor, false),
        b"BINARY.PEEK" => binary(cursor, true),
        b"BINARY.SIZE" => section_binary(cursor).map(Item::BinarySize),
        b"RFC822" => whole(Form::Rfc822, What::All, false),
        b"RFC822.HEADER" => whole(Form::Rfc822Header, What::Header, true),
        b"RFC822.TEXT" => whole(Form::Rfc822Text, What::Text, false),
        _ => start.wrong("an item of FETCH that is known"),
    }
}

/// `[1.2.HEADER.FIELDS (From)]<0.100>`
pub(super) fn section(cursor: &mut Cursor<'_>, peek: bool) -> Result<Section, Malformed> {
    cursor.expect(b'[', "'['")?;
    let mut part = Vec::new();
    let mut what = What::All;
    while cursor.peek() != Some(b']') {
        if cursor.peek().is_some_and(|b| b.is_ascii_digit()) {
            part_number(cursor, &mut part)?;
            if cursor.peek() != Some(b']') {
                cursor.expect(b'.', "'.' or ']'")?;
                if cursor.peek() == Some(b']') {
                    return cursor.wrong("a part number, HEADER, TEXT or MIME");
                }
            }
        } else {
            what = section_text(cursor, !part.is_empty())?;
            break;
        }
    }
    cursor.expect(b']', "']'")?;
    let partial = partial(cursor)?;
    Ok(Section {
        form: Form::Body,
        part,
        what,
        partial,
        peek,
    })
}

/// One number more of a part.
fn part_number(cursor: &mut Cursor<'_>, part: &mut Vec<u32>) -> Result<(), Malformed> {
    let start = cursor.clone();
    match cursor.number32()? {
        0 => start.wrong("a part number above 0"),
        _ if part.len() >= MAX_PART_DEPTH => start.wrong("fewer levels of parts"),
        number => {
            part.push(number);
            Ok(())
        }
    }
}

/// `[1.2]<0.100>` (RFC 3516 §4.2).
fn binary(cursor: &mut Cursor<'_>, peek: bool) -> Result<Item, Malformed> {
    let part = section_binary(cursor)?;
    let partial = partial(cursor)?;
    Ok(Item::Binary(Binary { part, partial, peek }))
}

/// `[1.2]`: part numbers alone (RFC 3516 §7 section-binary).
fn section_binary(cursor: &mut Cursor<'_>) -> Result<Vec<u32>, Malformed> {
    cursor.expect(b'[', "'['")?;
    let mut part = Vec::new();
    if cursor.eat(b']') {
        return Ok(part);
    }
    loop {
        part_number(cursor, &mut part)?;
        if cursor.eat(b']') {
            return Ok(part);
        }
        cursor.expect(b'.', "'.' or ']'")?;
    }
}

fn section_text(cursor: &mut Cursor<'_>, in_part: bool) -> Result<What, Malformed> {
    let start = cursor.clone();
    let name = cursor.take_while(|b| b.is_ascii_alphabetic() || b == b'.', "HEADER, TEXT or a part number")?;
    let not = match name.to_ascii_uppercase().as_slice() {
        b"HEADER" => return Ok(What::Header),
        b"TEXT" => return Ok(What::Text),
        // RFC 3501 §6.4.5: MIME must be prefixed by part numbers.
        b"MIME" if in_part => return Ok(What::Mime),
        b"HEADER.FIELDS" => false,
        b"HEADER.FIELDS.NOT" => true,
        _ => return start.wrong("HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT or MIME"),
    };
    cursor.space()?;
    let start = cursor.clone();
    let names = cursor.list(Cursor::text)?;
    if names.is_empty() || names.len() > MAX_ITEMS {
        return start.wrong("1 to 200 header names");
    }
    Ok(What::Fields { names, not })
}

fn partial(cursor: &mut Cursor<'_>) -> Result<Option<(u64, u64)>, Malformed> {
    if !cursor.eat(b'<') {
        return Ok(None);
    }
    let origin = cursor.number()?;
    cursor.expect(b'.', "'.'")?;
    let start = cursor.clone();
    let length = cursor.number()?;
    if length == 0 {
        return start.wrong("a length above 0");
    }
    cursor.expect(b'>', "'>'")?;
    Ok(Some((origin, length)))
}
