//! GETMETADATA and SETMETADATA (RFC 5464 §4).

use crate::mail::mailbox::Annotated;
use crate::model::account::{Role, User};
use crate::model::refusal::Refusal;
use crate::model::rights::Rights;
use crate::server::stream::Stream;
use crate::wire::imap::command::{Depth, GetMetadata};
use crate::wire::imap::encode::{astring, literal8_head, mailbox, string};
use crate::wire::imap::response::{Code, Word};

use super::outcome::{Done, Fault};
use super::{Imap, access};

/// The entry that the configuration has (RFC 5464 §3.2.1.1).
const ADMIN: &str = "/shared/admin";

/// An entry, and its value or none.
type NewValue = (String, Option<Vec<u8>>);

/// Any of these rights lets a user see and change annotations.
const USES: Rights = Rights::READ.with(Rights::SEEN).with(Rights::WRITE).with(Rights::INSERT);

/// What a name means; the empty one is the server.
async fn annotated(imap: &Imap, user: &User, name: &str) -> Result<Annotated, Fault> {
    if name.is_empty() {
        return Ok(Annotated::Server);
    }
    let opened = access::open(imap, user, name, Rights::LOOKUP).await?;
    // RFC 5464 §3.3.
    if !opened.rights.has_any(USES) {
        return Err(Fault::no(Word::NoPerm, "you may not do that with this mailbox"));
    }
    Ok(Annotated::Mailbox(opened.mailbox.info().id))
}

pub(super) async fn get(imap: &Imap, user: &User, get: &GetMetadata, client: (&mut Stream, bool)) -> Result<Done, Fault> {
    let (stream, utf8) = client;
    let of = annotated(imap, user, &get.mailbox).await?;
    let mut known = imap.mailboxes.annotations(user, of).await?;
    let admin = imap.settings.admin_contact.as_bytes();
    if of == Annotated::Server && !admin.is_empty() {
        known.retain(|(entry, _)| entry != ADMIN);
        known.push((ADMIN.to_owned(), admin.len() as u64));
    }
    let wanted = |entry: &str| get.entries.iter().any(|asked| covers(asked, get.depth, entry));
    let too_long = |size: u64| get.max_size.is_some_and(|most| size > most);
    let mut out = Vec::new();
    let begin = |out: &mut Vec<u8>, entry: &str| {
        if out.is_empty() {
            out.extend_from_slice(b"* METADATA ");
            mailbox(out, &get.mailbox, utf8);
            out.extend_from_slice(b" (");
        } else {
            out.push(b' ');
        }
        astring(out, entry.as_bytes());
        out.push(b' ');
    };
    for (entry, size) in known.iter().filter(|(entry, _)| wanted(entry)) {
        if too_long(*size) {
            continue;
        }
        let value = match of {
            Annotated::Server if entry == ADMIN && !admin.is_empty() => Some(admin.to_vec()),
            of => imap.mailboxes.annotation(user, of, entry).await?,
        };
        if let Some(value) = value {
            begin(&mut out, entry);
            write_value(&mut out, &value);
        }
    }
    // An entry that is asked for by its name is told even if it is not there.
    for asked in get.entries.iter().filter(|asked| known.iter().all(|(entry, _)| entry != *asked)) {
        begin(&mut out, asked);
        out.extend_from_slice(b"NIL");
    }
    if !out.is_empty() {
        out.extend_from_slice(b")\r\n");
        stream.write(&out);
    }
    let sizes = known.iter().filter(|(entry, _)| wanted(entry)).map(|(_, size)| *size);
    Ok(match sizes.filter(|size| too_long(*size)).max() {
        Some(longest) => Done::with(Code::LongEntries(longest), "some are longer"),
        None => Done::new("those are they"),
    })
}

/// Whether an entry is asked for (RFC 5464 §4.2.2).
fn covers(asked: &str, depth: Depth, entry: &str) -> bool {
    let below = entry.strip_prefix(asked).and_then(|rest| rest.strip_prefix('/'));
    match (below, depth) {
        (None, _) => asked == entry,
        (Some(_), Depth::Zero) => false,
        (Some(rest), Depth::One) => !rest.contains('/'),
        (Some(_), Depth::Infinity) => true,
    }
}

fn write_value(out: &mut Vec<u8>, value: &[u8]) {
    if value.contains(&0) {
        literal8_head(out, value.len() as u64);
        return out.extend_from_slice(value);
    }
    string(out, value);
}

pub(super) async fn set(imap: &Imap, user: &User, (name, values): (&str, &[NewValue])) -> Result<Done, Fault> {
    let of = annotated(imap, user, name).await?;
    let most = imap.settings.max_annotation_bytes;
    for (entry, value) in values {
        if value.as_ref().is_some_and(|value| value.len() as u64 > most) {
            return Err(Fault::No(Code::MetadataMaxSize(most), "that is too long".into()));
        }
        // RFC 5464 §3.3: what all users see of the server is the administrator's affair.
        let is_shared = entry.starts_with("/shared/");
        if of == Annotated::Server && is_shared && (user.role != Role::ServerAdmin || entry == ADMIN) {
            return Err(Fault::no(Word::NoPerm, "this is for the administrator to say"));
        }
    }
    match imap.mailboxes.annotate(user, of, values, imap.settings.max_annotations).await {
        Ok(()) => Ok(Done::new("noted")),
        Err(Refusal::LimitReached(text)) => Err(Fault::No(Code::Word(Word::MetadataTooMany), text.into())),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Writes the names of entries that have changed (RFC 5464 §4.4.2).
pub(super) fn write_changed(out: &mut Vec<u8>, name: &str, entries: &[&str], utf8: bool) {
    out.extend_from_slice(b"* METADATA ");
    mailbox(out, name, utf8);
    for entry in entries {
        out.push(b' ');
        astring(out, entry.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_in_levels() {
        for (depth, entry, want) in [
            (Depth::Zero, "/shared/a", true),
            (Depth::Zero, "/shared/a/b", false),
            (Depth::One, "/shared/a", true),
            (Depth::One, "/shared/a/b", true),
            (Depth::One, "/shared/a/b/c", false),
            (Depth::Infinity, "/shared/a/b/c", true),
            (Depth::Infinity, "/shared/ab", false),
        ] {
            assert_eq!(covers("/shared/a", depth, entry), want, "{depth:?} {entry}");
        }
    }

    #[test]
    fn values_of_any_octets_are_written() {
        let mut out = Vec::new();
        write_value(&mut out, b"a\0b");
        write_value(&mut out, b"a b");
        assert_eq!(out, b"~{3}\r\na\0b\"a b\"");
    }
}
