//! Octets of a complete command to its value: the names of the commands, and where each is read.

mod acl;
mod append;
mod fetch;
mod mailbox;
mod metadata;
mod notify;
mod quota;
mod search;
mod session;
mod sort;
mod store;

use super::command::{Command, Tag, Tagged};
use super::cursor::{Cursor, Malformed, Utf8};
use super::fetch::Section;

pub use append::head as append_head;

/// The longest tag, in octets.
const MAX_TAG: usize = 128;

/// A command that is none: with its tag, where that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// For the tagged BAD; without it the BAD is untagged.
    pub tag: Option<Tag>,
    /// What was wrong.
    pub problem: Malformed,
}

/// Reads a complete command: a line with its literals, with or without the line end.
pub fn command(octets: &[u8]) -> Result<Tagged, Rejected> {
    command_of(octets, Utf8::Off)
}

/// The same, of a client that writes UTF-8 there.
pub fn command_of(octets: &[u8], utf8: Utf8) -> Result<Tagged, Rejected> {
    let mut cursor = Cursor::new(octets).with_utf8(utf8);
    let tag = tag(&mut cursor).map_err(|problem| Rejected { tag: None, problem })?;
    match arguments(&mut cursor) {
        Ok(command) => Ok(Tagged { tag, command }),
        Err(problem) => Err(Rejected { tag: Some(tag), problem }),
    }
}

/// Reads a section with its brackets, such as `[1.MIME]`; none if it is not one.
pub fn section(octets: &[u8]) -> Option<Section> {
    let mut cursor = Cursor::new(octets);
    fetch::section(&mut cursor, true).ok().filter(|_| cursor.at_end())
}

/// The tag of what need not be a complete command.
pub fn tag_of(octets: &[u8]) -> Option<Tag> {
    tag(&mut Cursor::new(octets)).ok()
}

/// RFC 3501 §9 tag: ASTRING-CHAR without `+`.
fn tag(cursor: &mut Cursor<'_>) -> Result<Tag, Malformed> {
    let start = cursor.clone();
    let octets = cursor.take_while(|b| (super::cursor::is_atom(b) || b == b']') && b != b'+', "a tag")?;
    if octets.len() > MAX_TAG {
        return start.wrong("a shorter tag");
    }
    std::str::from_utf8(octets)
        .map(|text| Tag(text.into()))
        .or_else(|_| start.wrong("a tag"))
}

fn arguments(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    cursor.space()?;
    let start = cursor.clone();
    let name = cursor.word("a command")?;
    let command = match name.as_str() {
        "CAPABILITY" => Command::Capability,
        "NOOP" => Command::Noop,
        "LOGOUT" => Command::Logout,
        "STARTTLS" => Command::StartTls,
        "NAMESPACE" => Command::Namespace,
        "IDLE" => Command::Idle,
        "CHECK" => Command::Check,
        "CLOSE" => Command::Close,
        "UNSELECT" => Command::Unselect,
        "UNAUTHENTICATE" => Command::Unauthenticate,
        "EXPUNGE" => Command::Expunge(None),
        _ => with_arguments(&name, &start, cursor)?,
    };
    cursor.end()?;
    Ok(command)
}

fn with_arguments(name: &str, start: &Cursor<'_>, cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    match name {
        "ID" => session::id(cursor),
        "AUTHENTICATE" => session::authenticate(cursor),
        "LOGIN" => session::login(cursor),
        "ENABLE" => session::enable(cursor),
        "COMPRESS" => session::compress(cursor),
        "SELECT" => mailbox::select(cursor, false),
        "EXAMINE" => mailbox::select(cursor, true),
        "CREATE" => mailbox::create(cursor),
        "DELETE" => mailbox::argument(cursor).map(Command::Delete),
        "RENAME" => mailbox::rename(cursor),
        "SUBSCRIBE" => mailbox::argument(cursor).map(Command::Subscribe),
        "UNSUBSCRIBE" => mailbox::argument(cursor).map(Command::Unsubscribe),
        "LIST" => mailbox::list(cursor),
        "LSUB" => mailbox::lsub(cursor),
        "STATUS" => mailbox::status(cursor),
        "NOTIFY" => notify::notify(cursor),
        "GETACL" => mailbox::argument(cursor).map(Command::GetAcl),
        "MYRIGHTS" => mailbox::argument(cursor).map(Command::MyRights),
        "LISTRIGHTS" => acl::list_rights(cursor),
        "SETACL" => acl::set(cursor),
        "DELETEACL" => acl::delete(cursor),
        "GETMETADATA" => metadata::get(cursor),
        "SETMETADATA" => metadata::set(cursor),
        "GETQUOTA" => quota::get_quota(cursor),
        "GETQUOTAROOT" => quota::get_quota_root(cursor),
        "SETQUOTA" => quota::set_quota(cursor),
        "SEARCH" => search::search(cursor, false),
        "CANCELUPDATE" => search::cancel_update(cursor),
        "SORT" => sort::sort(cursor, false),
        "THREAD" => sort::thread(cursor, false),
        "FETCH" => fetch::fetch(cursor, false),
        "STORE" => store::store(cursor, false),
        "COPY" => store::transfer(cursor, false).map(Command::Copy),
        "MOVE" => store::transfer(cursor, false).map(Command::Move),
        "UID" => uid(cursor),
        // One that is right up to its mailbox never comes here.
        "APPEND" | "REPLACE" => start.wrong("APPEND with a mailbox, flags, a date and the literal of the message"),
        _ => start.wrong("a command that is known"),
    }
}

/// The UID forms (RFC 3501 §6.4.8, RFC 4315 §2.1, RFC 6851 §3.2).
fn uid(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    cursor.space()?;
    let start = cursor.clone();
    match cursor.word("a command after UID")?.as_str() {
        "SEARCH" => search::search(cursor, true),
        "SORT" => sort::sort(cursor, true),
        "THREAD" => sort::thread(cursor, true),
        "FETCH" => fetch::fetch(cursor, true),
        "STORE" => store::store(cursor, true),
        "COPY" => store::transfer(cursor, true).map(Command::Copy),
        "MOVE" => store::transfer(cursor, true).map(Command::Move),
        "EXPUNGE" => store::uid_expunge(cursor),
        _ => start.wrong("FETCH, STORE, SEARCH, SORT, THREAD, COPY, MOVE or EXPUNGE after UID"),
    }
}
