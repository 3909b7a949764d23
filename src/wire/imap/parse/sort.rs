//! SORT and THREAD.

use crate::wire::imap::command::Command;
use crate::wire::imap::cursor::{Cursor, Malformed};
use crate::wire::imap::sort::{Algorithm, Criterion, Sort, SortKey, Thread};

use super::search;

/// The most criteria of an order: each key twice.
const MAX_CRITERIA: usize = 18;

/// RFC 5256 §5 sort, RFC 5267 §3.1: `RETURN (COUNT) (REVERSE DATE) UTF-8 UNSEEN`
pub(super) fn sort(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, Malformed> {
    cursor.space()?;
    let returns = search::returns(cursor)?;
    let start = cursor.clone();
    let criteria = cursor.list(criterion)?;
    if criteria.is_empty() || criteria.len() > MAX_CRITERIA {
        return start.wrong("1 to 18 sort criteria");
    }
    cursor.space()?;
    let key = search::criteria(cursor)?;
    Ok(Command::Sort(Sort {
        uid,
        criteria,
        key,
        returns,
    }))
}

fn criterion(cursor: &mut Cursor<'_>) -> Result<Criterion, Malformed> {
    let reverse = cursor.eat_text("REVERSE ");
    let start = cursor.clone();
    let name = cursor.word("a sort key")?;
    match SortKey::ALL.into_iter().find(|(_, known)| *known == name) {
        Some((by, _)) => Ok(Criterion { by, reverse }),
        None => start.wrong("a sort key that is known"),
    }
}

/// RFC 5256 §5 thread: `REFERENCES UTF-8 SINCE 5-Mar-2000`
pub(super) fn thread(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, Malformed> {
    cursor.space()?;
    let start = cursor.clone();
    let name = cursor.atom("a threading algorithm")?.to_ascii_uppercase();
    let Some((algorithm, _)) = Algorithm::ALL.into_iter().find(|(_, known)| *known == name) else {
        return start.wrong("a threading algorithm that is known");
    };
    cursor.space()?;
    let key = search::criteria(cursor)?;
    Ok(Command::Thread(Thread { uid, algorithm, key }))
}
