//! The commands that name mailboxes.

use crate::model::mailbox::SpecialUse;
use crate::wire::imap::command::{BadUse, Command, Create, List, ListReturn, ListSelect, Resync, Select, StatusItem};
use crate::wire::imap::cursor::{Cursor, Malformed, Utf8};
use crate::wire::imap::sequence::SequenceSet;
use crate::wire::imap::utf7;

/// The most octets of all patterns of a LIST, and of its reference: matching costs their number times that of the names.
const MAX_PATTERNS: usize = 1024;

/// A space and a mailbox.
pub(super) fn argument(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    cursor.space()?;
    name(cursor)
}

/// A mailbox name, in Unicode.
pub(super) fn name(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    let start = cursor.clone();
    let octets = cursor.astring()?;
    decoded(&octets, cursor.utf8()).map_or_else(|| start.wrong("a mailbox name in modified UTF-7"), Ok)
}

/// RFC 6855 §3, RFC 9051 §5.1: a client that has UTF-8 writes nothing else.
fn decoded(octets: &[u8], utf8: Utf8) -> Option<String> {
    match utf8 {
        Utf8::Off => utf7::decode(octets),
        Utf8::Names | Utf8::Accept => std::str::from_utf8(octets).ok().map(ToOwned::to_owned),
    }
}

fn pattern(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    let start = cursor.clone();
    let octets = cursor.list_mailbox()?;
    decoded(&octets, cursor.utf8()).map_or_else(|| start.wrong("a pattern in modified UTF-7"), Ok)
}

/// RFC 3501 §6.3.1, with the parameters of RFC 4466 §2.1.
pub(super) fn select(cursor: &mut Cursor<'_>, read_only: bool) -> Result<Command, Malformed> {
    let mailbox = argument(cursor)?;
    let mut condstore = false;
    let mut resync = None;
    if !cursor.before_end() {
        cursor.space()?;
        cursor.list(|cursor| {
            let start = cursor.clone();
            match cursor.word("a parameter")?.as_str() {
                "CONDSTORE" => condstore = true,
                "QRESYNC" => resync = Some(self::resync(cursor)?),
                _ => return start.wrong("the parameter CONDSTORE or QRESYNC"),
            }
            Ok(())
        })?;
    }
    Ok(Command::Select(Select {
        mailbox,
        read_only,
        condstore,
        resync,
    }))
}

/// `(67890007 20050715194045000 41,43:211 (1,3,9 41,44,50))` (RFC 7162 §3.2.5).
fn resync(cursor: &mut Cursor<'_>) -> Result<Resync, Malformed> {
    cursor.space()?;
    cursor.expect(b'(', "'('")?;
    let uidvalidity = cursor.number32()?;
    cursor.space()?;
    let since = cursor.number()?;
    let (mut known, mut matches) = (None, None);
    if cursor.eat(b' ') && SequenceSet::begins(cursor) {
        known = Some(SequenceSet::read_definite(cursor)?);
        cursor.eat(b' ');
    }
    if cursor.eat(b'(') {
        let sequences = SequenceSet::read_definite(cursor)?;
        cursor.space()?;
        matches = Some((sequences, SequenceSet::read_definite(cursor)?));
        cursor.expect(b')', "')'")?;
    }
    cursor.expect(b')', "')'")?;
    Ok(Resync {
        uidvalidity,
        since,
        known,
        matches,
    })
}

/// RFC 3501 §6.3.3, RFC 6154 §3.
pub(super) fn create(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    let mailbox = argument(cursor)?;
    let mut special_use = Ok(None);
    if !cursor.before_end() {
        cursor.space()?;
        cursor.expect(b'(', "'('")?;
        if !cursor.eat_text("USE") {
            return cursor.wrong("USE");
        }
        cursor.space()?;
        let uses = cursor.list(special)?;
        special_use = match uses.as_slice() {
            [] => Ok(None),
            [Some(special_use)] => Ok(Some(*special_use)),
            _ => Err(BadUse),
        };
        cursor.expect(b')', "')'")?;
    }
    Ok(Command::Create(Create { mailbox, special_use }))
}

/// A special use; none if we do not have it.
fn special(cursor: &mut Cursor<'_>) -> Result<Option<SpecialUse>, Malformed> {
    cursor.expect(b'\\', "a special use such as \\Sent")?;
    Ok(SpecialUse::parse(cursor.atom("a special use")?))
}

/// RFC 3501 §6.3.5.
pub(super) fn rename(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    let from = argument(cursor)?;
    let to = argument(cursor)?;
    Ok(Command::Rename { from, to })
}

/// RFC 3501 §6.3.9.
pub(super) fn lsub(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    let reference = argument(cursor)?;
    cursor.space()?;
    let start = cursor.clone();
    let pattern = pattern(cursor)?;
    if pattern.len().max(reference.len()) > MAX_PATTERNS {
        return start.wrong("a shorter pattern");
    }
    Ok(Command::Lsub { reference, pattern })
}

/// RFC 3501 §6.3.8, RFC 5258 §6.
pub(super) fn list(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    let mut list = List::default();
    cursor.space()?;
    if cursor.peek() == Some(b'(') {
        list.select = list_select(cursor)?;
        cursor.space()?;
    }
    list.reference = name(cursor)?;
    cursor.space()?;
    let start = cursor.clone();
    list.patterns = if cursor.peek() == Some(b'(') {
        cursor.list(pattern)?
    } else {
        vec![pattern(cursor)?]
    };
    if list.reference.len().max(list.patterns.iter().map(String::len).sum()) > MAX_PATTERNS {
        return start.wrong("shorter patterns");
    }
    if !cursor.before_end() {
        cursor.space()?;
        if !cursor.eat_text("RETURN") {
            return cursor.wrong("RETURN");
        }
        cursor.space()?;
        list.returns = list_return(cursor)?;
    }
    Ok(Command::List(list))
}

fn list_select(cursor: &mut Cursor<'_>) -> Result<ListSelect, Malformed> {
    let mut select = ListSelect::default();
    let start = cursor.clone();
    cursor.list(|cursor| {
        let start = cursor.clone();
        match cursor.word("a selection option")?.as_str() {
            "SUBSCRIBED" => select.subscribed = true,
            "SPECIAL-USE" => select.special_use = true,
            "RECURSIVEMATCH" => select.recursive_match = true,
            // There are no remote mailboxes here.
            "REMOTE" => {}
            _ => return start.wrong("a selection option that is known"),
        }
        Ok(())
    })?;
    // RFC 5258 §3.1: RECURSIVEMATCH needs another option that it can be about.
    if select.recursive_match && !select.subscribed && !select.special_use {
        return start.wrong("another option beside RECURSIVEMATCH");
    }
    Ok(select)
}

fn list_return(cursor: &mut Cursor<'_>) -> Result<ListReturn, Malformed> {
    let mut returns = ListReturn::default();
    cursor.list(|cursor| {
        let start = cursor.clone();
        match cursor.word("a return option")?.as_str() {
            "SUBSCRIBED" => returns.subscribed = true,
            "CHILDREN" => returns.children = true,
            "SPECIAL-USE" => returns.special_use = true,
            "MYRIGHTS" => returns.my_rights = true,
            "STATUS" => {
                cursor.space()?;
                returns.status = Some(cursor.list(status_item)?);
            }
            _ => return start.wrong("a return option that is known"),
        }
        Ok(())
    })?;
    Ok(returns)
}

/// RFC 3501 §6.3.10.
pub(super) fn status(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    let mailbox = argument(cursor)?;
    cursor.space()?;
    let items = cursor.list(status_item)?;
    if items.is_empty() {
        return cursor.wrong("a status item");
    }
    Ok(Command::Status { mailbox, items })
}

fn status_item(cursor: &mut Cursor<'_>) -> Result<StatusItem, Malformed> {
    let start = cursor.clone();
    let name = cursor.word("a status item")?;
    let item = StatusItem::ALL.into_iter().find(|(_, known)| *known == name);
    item.map_or_else(|| start.wrong("a status item that is known"), |(item, _)| Ok(item))
}
