//! SEARCH.

use crate::model::mailbox::Flags;
use crate::wire::imap::command::Command;
use crate::wire::imap::cursor::{Cursor, Malformed, Utf8};
use crate::wire::imap::date;
use crate::wire::imap::flag::Flag;
use crate::wire::imap::partial::Partial;
use crate::wire::imap::search::{BadCharset, CHARSETS, Key, Returns, Search, When};
use crate::wire::imap::sequence::SequenceSet;

/// The most keys of a command, those in lists included.
const MAX_KEYS: usize = 1000;
/// The most of them that look into messages, or stand for what another search found.
const MAX_LABORIOUS: usize = 100;

/// RFC 3501 §6.4.4, RFC 4466 §2.6.1.
pub(super) fn search(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, Malformed> {
    cursor.space()?;
    let returns = returns(cursor)?;
    let key = if cursor.eat_text("CHARSET ") {
        // RFC 6855 §3: everything is in UTF-8.
        if cursor.utf8() == Utf8::Accept {
            return cursor.wrong("search keys without a charset");
        }
        criteria(cursor)?
    } else {
        Ok(keys(cursor)?)
    };
    Ok(Command::Search(Search { uid, key, returns }))
}

/// `RETURN (…) `, if it is there (RFC 4731 §3.1).
pub(super) fn returns(cursor: &mut Cursor<'_>) -> Result<Option<Returns>, Malformed> {
    if !cursor.eat_text("RETURN ") {
        return Ok(None);
    }
    let returns = return_options(cursor)?;
    cursor.space()?;
    Ok(Some(returns))
}

/// A charset and the keys that are written in it (RFC 5256 §5 search-criteria).
pub(super) fn criteria(cursor: &mut Cursor<'_>) -> Result<Result<Key, BadCharset>, Malformed> {
    let charset = cursor.text()?;
    if !CHARSETS.iter().any(|known| known.eq_ignore_ascii_case(&charset)) {
        // The keys cannot be read: the answer is NO with BADCHARSET, whatever they say.
        cursor.take_while(|_| true, "search keys")?;
        return Ok(Err(BadCharset));
    }
    cursor.space()?;
    Ok(Ok(keys(cursor)?))
}

/// Keys up to the end of the command, all of which must hold.
fn keys(cursor: &mut Cursor<'_>) -> Result<Key, Malformed> {
    let begin = cursor.clone();
    let mut keys = vec![key(cursor)?];
    while !cursor.before_end() {
        cursor.space()?;
        if keys.len() >= MAX_KEYS {
            return cursor.wrong("fewer search keys");
        }
        keys.push(key(cursor)?);
    }
    let key = Key::And(keys);
    if key.count(|_| true) > MAX_KEYS {
        return begin.wrong("up to 1000 search keys in all");
    }
    if key.count(Key::is_laborious) > MAX_LABORIOUS {
        return begin.wrong("up to 100 search keys for texts and earlier results");
    }
    Ok(key)
}

/// `CANCELUPDATE "B01" "B02"` (RFC 5267 §4.5).
pub(super) fn cancel_update(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    let mut tags = Vec::new();
    while !cursor.before_end() || tags.is_empty() {
        cursor.space()?;
        if tags.len() >= MAX_KEYS {
            return cursor.wrong("fewer tags");
        }
        tags.push(cursor.text()?);
    }
    Ok(Command::CancelUpdate(tags))
}

fn return_options(cursor: &mut Cursor<'_>) -> Result<Returns, Malformed> {
    let mut returns = Returns::default();
    let begin = cursor.clone();
    cursor.list(|cursor| {
        let start = cursor.clone();
        match cursor.word("a return option")?.as_str() {
            "MIN" => returns.min = true,
            "MAX" => returns.max = true,
            "ALL" => returns.all = true,
            "COUNT" => returns.count = true,
            "SAVE" => returns.save = true,
            "UPDATE" => returns.update = true,
            // RFC 5267 §4.2: a hint that more will be asked of this search.
            "CONTEXT" => {}
            "PARTIAL" => {
                cursor.space()?;
                returns.partial = Some(Partial::read(cursor)?);
            }
            _ => return start.wrong("MIN, MAX, ALL, COUNT, PARTIAL, SAVE, UPDATE or CONTEXT"),
        }
        Ok(())
    })?;
    // RFC 9394 §3.1.
    if returns.all && returns.partial.is_some() {
        return begin.wrong("either ALL or PARTIAL");
    }
    Ok(returns)
}

fn key(cursor: &mut Cursor<'_>) -> Result<Key, Malformed> {
    cursor.deeper(|cursor| {
        if cursor.peek() == Some(b'(') {
            let start = cursor.clone();
            let keys = cursor.list(key)?;
            if keys.is_empty() || keys.len() > MAX_KEYS {
                return start.wrong("1 to 1000 search keys");
            }
            return Ok(Key::And(keys));
        }
        if SequenceSet::begins(cursor) {
            return SequenceSet::read(cursor).map(Key::Sequence);
        }
        let start = cursor.clone();
        let name = cursor.word("a search key")?;
        match flag_key(&name) {
            Some(key) => Ok(key),
            None => argument_key(&name, &start, cursor),
        }
    })
}

fn not(key: Key) -> Key {
    Key::Not(Box::new(key))
}

/// The keys without an argument.
fn flag_key(name: &str) -> Option<Key> {
    Some(match name {
        // RFC 8514 §4.3: every mailbox here has save dates.
        "ALL" | "SAVEDATESUPPORTED" => Key::And(Vec::new()),
        "ANSWERED" => Key::Flag(Flags::ANSWERED),
        "DELETED" => Key::Flag(Flags::DELETED),
        "DRAFT" => Key::Flag(Flags::DRAFT),
        "FLAGGED" => Key::Flag(Flags::FLAGGED),
        "SEEN" => Key::Flag(Flags::SEEN),
        "UNANSWERED" => not(Key::Flag(Flags::ANSWERED)),
        "UNDELETED" => not(Key::Flag(Flags::DELETED)),
        "UNDRAFT" => not(Key::Flag(Flags::DRAFT)),
        "UNFLAGGED" => not(Key::Flag(Flags::FLAGGED)),
        "UNSEEN" => not(Key::Flag(Flags::SEEN)),
        "RECENT" => Key::Recent,
        "OLD" => not(Key::Recent),
        "NEW" => Key::And(vec![Key::Recent, not(Key::Flag(Flags::SEEN))]),
        _ => return None,
    })
}

fn argument_key(name: &str, start: &Cursor<'_>, cursor: &mut Cursor<'_>) -> Result<Key, Malformed> {
    if !is_known(name) {
        return start.wrong("a search key that is known");
    }
    cursor.space()?;
    Ok(match name {
        "NOT" => not(key(cursor)?),
        "OR" => {
            let first = key(cursor)?;
            cursor.space()?;
            Key::Or(Box::new(first), Box::new(key(cursor)?))
        }
        "UID" => Key::Uid(SequenceSet::read(cursor)?),
        "KEYWORD" => keyword(cursor)?,
        "UNKEYWORD" => not(keyword(cursor)?),
        "LARGER" => Key::Larger(cursor.number()?),
        "SMALLER" => Key::Smaller(cursor.number()?),
        "BEFORE" => Key::Internal(When::Before(date::date(cursor)?)),
        "ON" => Key::Internal(When::On(date::date(cursor)?)),
        "SINCE" => Key::Internal(When::Since(date::date(cursor)?)),
        "SENTBEFORE" => Key::Sent(When::Before(date::date(cursor)?)),
        "SENTON" => Key::Sent(When::On(date::date(cursor)?)),
        "SENTSINCE" => Key::Sent(When::Since(date::date(cursor)?)),
        "EMAILID" => Key::EmailId(cursor.atom("an object id")?.to_owned()),
        "THREADID" => Key::ThreadId(cursor.atom("an object id")?.to_owned()),
        "OLDER" => Key::Older(seconds(cursor)?),
        "YOUNGER" => Key::Younger(seconds(cursor)?),
        "SAVEDBEFORE" => Key::Saved(When::Before(date::date(cursor)?)),
        "SAVEDON" => Key::Saved(When::On(date::date(cursor)?)),
        "SAVEDSINCE" => Key::Saved(When::Since(date::date(cursor)?)),
        "BODY" => Key::Body(cursor.text()?),
        "TEXT" => Key::Text(cursor.text()?),
        "MODSEQ" => modseq(cursor)?,
        "HEADER" => {
            let name = cursor.text()?;
            cursor.space()?;
            Key::Header {
                name,
                text: cursor.text()?,
            }
        }
        field => Key::Header {
            name: field.to_owned(),
            text: cursor.text()?,
        },
    })
}

fn is_known(name: &str) -> bool {
    const KNOWN: [&str; 28] = [
        "OLDER",
        "YOUNGER",
        "EMAILID",
        "THREADID",
        "SAVEDBEFORE",
        "SAVEDON",
        "SAVEDSINCE",
        "NOT",
        "OR",
        "UID",
        "KEYWORD",
        "UNKEYWORD",
        "LARGER",
        "SMALLER",
        "BEFORE",
        "ON",
        "SINCE",
        "SENTBEFORE",
        "SENTON",
        "SENTSINCE",
        "BODY",
        "TEXT",
        "MODSEQ",
        "HEADER",
        "FROM",
        "TO",
        "CC",
        "BCC",
    ];
    name == "SUBJECT" || KNOWN.contains(&name)
}

/// RFC 5032 §5: nz-number.
fn seconds(cursor: &mut Cursor<'_>) -> Result<u32, Malformed> {
    let start = cursor.clone();
    match cursor.number32()? {
        0 => start.wrong("a number of seconds above 0"),
        seconds => Ok(seconds),
    }
}

fn keyword(cursor: &mut Cursor<'_>) -> Result<Key, Malformed> {
    Ok(match Flag::keyword(cursor.atom("a keyword")?) {
        Flag::Fixed(flags) => Key::Flag(flags),
        Flag::Keyword(name) => Key::Keyword(name),
    })
}

/// RFC 7162 §3.1.5: an entry name and type may come first; all metadata items share one modseq here, so they are passed over.
fn modseq(cursor: &mut Cursor<'_>) -> Result<Key, Malformed> {
    if cursor.peek() == Some(b'"') {
        cursor.string()?;
        cursor.space()?;
        cursor.word("priv, shared or all")?;
        cursor.space()?;
    }
    cursor.number().map(Key::ModSeq)
}
