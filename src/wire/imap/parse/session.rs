//! LOGIN, AUTHENTICATE, ENABLE, ID, COMPRESS.

use crate::model::secret::Secret;
use crate::wire::imap::command::{Authenticate, Command, Login};
use crate::wire::imap::cursor::{Cursor, Malformed};
use crate::wire::sasl::Mechanism;

/// The most pairs of an ID (RFC 2971 §3.3).
const MAX_ID_PAIRS: usize = 30;

/// RFC 2971 §3.1.
pub(super) fn id(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    cursor.space()?;
    if cursor.eat_text("NIL") {
        return Ok(Command::Id(Vec::new()));
    }
    let start = cursor.clone();
    let pairs = cursor.list(|cursor| {
        let name = lossy(&cursor.string()?);
        cursor.space()?;
        Ok((name, cursor.nstring()?.map(|value| lossy(&value))))
    })?;
    if pairs.len() > MAX_ID_PAIRS {
        return start.wrong("at most 30 pairs");
    }
    Ok(Command::Id(pairs))
}

fn lossy(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// RFC 3501 §6.2.2, RFC 4959 §3.
pub(super) fn authenticate(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    cursor.space()?;
    let mechanism = Mechanism::parse(cursor.atom("a mechanism")?);
    let initial = if cursor.before_end() {
        None
    } else {
        cursor.space()?;
        Some(Secret::new(cursor.atom("base64")?))
    };
    Ok(Command::Authenticate(Authenticate { mechanism, initial }))
}

/// RFC 3501 §6.2.3.
pub(super) fn login(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    cursor.space()?;
    let login = cursor.text()?;
    cursor.space()?;
    let password = Secret::new(cursor.text()?);
    Ok(Command::Login(Login { login, password }))
}

/// RFC 5161 §3.1.
pub(super) fn enable(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    let mut names = Vec::new();
    loop {
        cursor.space()?;
        names.push(cursor.word("a capability")?);
        if cursor.before_end() {
            return Ok(Command::Enable(names));
        }
    }
}

/// RFC 4978 §5.
pub(super) fn compress(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    cursor.space()?;
    let start = cursor.clone();
    match cursor.word("an algorithm")?.as_str() {
        "DEFLATE" => Ok(Command::Compress),
        _ => start.wrong("DEFLATE"),
    }
}
