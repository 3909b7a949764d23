//! The octets of a message: `BODY[…]` and its older forms (RFC 3501 §6.4.5).

use std::io;
use std::ops::Range;

use bytes::Bytes;

use crate::mail::mailbox::{Draft, Mailbox, StoredMessage};
use crate::model::ids::Uid;
use crate::model::refusal::Refusal;
use crate::server::imap::outcome::Fault;
use crate::server::stream::{Gone, Stream};
use crate::wire::imap::encode::literal_head;
use crate::wire::imap::fetch::{Section, What};
use crate::wire::message::header;
use crate::wire::message::structure::{SectionText, Structure};

/// Octets that are read from a message at a time.
pub(super) const PIECE: u64 = 65_536;
/// The most octets of a header in which fields are looked for.
const MAX_HEADER: u64 = 1_048_576;

/// Writes a section with its name; NIL if the message has no such part.
pub(super) async fn write(
    out: &mut Vec<u8>,
    section: &Section,
    (structure, file): (Option<&Structure>, &StoredMessage),
    stream: &mut Stream,
) -> Result<(), Fault> {
    section.write_name(out);
    out.push(b' ');
    let Some(range) = range(section, structure, file.size()) else {
        out.extend_from_slice(b"NIL");
        return Ok(());
    };
    if let What::Fields { .. } = section.what {
        let header = read(file, range.start..range.end.min(range.start.saturating_add(MAX_HEADER))).await?;
        fields(out, section, &header);
        return Ok(());
    }
    let part = partial(section.partial, range);
    literal_head(out, part.end.saturating_sub(part.start));
    stream_octets(out, file, part, stream).await
}

/// Whether the section is of the message's header, and of fields alone that lists show.
pub(super) fn is_listed(section: &Section) -> bool {
    match &section.what {
        What::Fields { names, not: false } => section.part.is_empty() && names.iter().all(|name| header::is_listed(name.as_ref())),
        _ => false,
    }
}

/// The header of a message, from its file; none if it is gone.
pub(super) async fn header(mailbox: &Mailbox, uid: Uid) -> Result<Option<Bytes>, Refusal> {
    let Some(file) = mailbox.open_message(uid).await? else {
        return Ok(None);
    };
    Ok(Some(read(&file, 0..file.size().min(MAX_HEADER)).await?.into()))
}

/// Writes a section that [`is_listed`] with its name.
pub(super) fn write_fields(out: &mut Vec<u8>, section: &Section, listed: &[u8]) {
    section.write_name(out);
    out.push(b' ');
    fields(out, section, listed);
}

/// The fields that a section names, as a literal.
fn fields(out: &mut Vec<u8>, section: &Section, header: &[u8]) {
    let octets = picked_fields(section, header);
    literal_head(out, octets.len() as u64);
    out.extend_from_slice(&octets);
}

fn picked_fields(section: &Section, header: &[u8]) -> Vec<u8> {
    let What::Fields { names, not } = &section.what else {
        return Vec::new();
    };
    let mut fields = header::header_fields(header, names, *not);
    let part = partial(section.partial, 0..fields.len() as u64);
    fields.truncate(to_index(part.end));
    fields.drain(..to_index(part.start).min(fields.len()));
    fields
}

/// Adds the octets of a section of a message to a draft; `false` if there is no such message or part (RFC 4469 §3).
pub(in crate::server::imap) async fn copy(section: &Section, (mailbox, uid): (&Mailbox, Uid), draft: &mut Draft) -> Result<bool, Refusal> {
    let Some(file) = mailbox.open_message(uid).await? else {
        return Ok(false);
    };
    let structures = match (section.part.is_empty(), &section.what) {
        (true, What::All) => Vec::new(),
        _ => mailbox.structures(&[uid]).await?,
    };
    let structure = structures.first().map(|(_, structure)| &**structure);
    let Some(range) = range(section, structure, file.size()) else {
        return Ok(false);
    };
    if let What::Fields { .. } = section.what {
        let header = read(&file, range.start..range.end.min(range.start.saturating_add(MAX_HEADER))).await?;
        draft.write(&picked_fields(section, &header)).await?;
        return Ok(true);
    }
    let mut part = partial(section.partial, range);
    while part.start < part.end {
        let length = PIECE.min(part.end.saturating_sub(part.start));
        let piece = file.read_at(part.start, to_index(length)).await?;
        if piece.is_empty() {
            return Err(Refusal::LATER);
        }
        part.start = part.start.saturating_add(piece.len() as u64);
        draft.write(&piece).await?;
    }
    Ok(true)
}

/// Where the section stands in the file.
fn range(section: &Section, structure: Option<&Structure>, size: u64) -> Option<Range<u64>> {
    let text = match section.what {
        What::All if section.part.is_empty() => return Some(0..size),
        What::All => SectionText::Body,
        What::Header | What::Fields { .. } => SectionText::Header,
        What::Text => SectionText::Text,
        What::Mime => SectionText::Mime,
    };
    let range = structure?.section_range(&section.part, text)?;
    Some(clamp(range, size))
}

/// The file may have become shorter than its structure says, if another program meddled.
pub(super) fn clamp(range: Range<u64>, size: u64) -> Range<u64> {
    let end = range.end.min(size);
    range.start.min(end)..end
}

/// The octets of `<origin.length>` in a range. Past the end there are none.
pub(super) fn partial(asked: Option<(u64, u64)>, range: Range<u64>) -> Range<u64> {
    let Some((origin, length)) = asked else {
        return range;
    };
    let start = range.start.saturating_add(origin).min(range.end);
    start..start.saturating_add(length).min(range.end)
}

pub(super) fn to_index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Octets that are needed as a whole.
async fn read(file: &StoredMessage, range: Range<u64>) -> Result<Vec<u8>, Refusal> {
    let mut octets = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let piece = file.read_at(at, to_index(PIECE.min(range.end.saturating_sub(at)))).await?;
        if piece.is_empty() {
            break;
        }
        at = at.saturating_add(piece.len() as u64);
        octets.extend_from_slice(&piece);
    }
    Ok(octets)
}

/// The octets of a literal whose size was already said: if they cannot be had, only hanging up keeps the client from misreading the rest.
pub(super) async fn stream_octets(out: &mut Vec<u8>, file: &StoredMessage, range: Range<u64>, stream: &mut Stream) -> Result<(), Fault> {
    let mut at = range.start;
    while at < range.end {
        let length = PIECE.min(range.end.saturating_sub(at));
        let piece = match file.read_at(at, to_index(length)).await {
            Ok(piece) if !piece.is_empty() => piece,
            _ => {
                tracing::warn!("a message ended before its size");
                return Err(Gone::Io(io::ErrorKind::UnexpectedEof.into()).into());
            }
        };
        at = at.saturating_add(piece.len() as u64);
        stream.write(out);
        out.clear();
        stream.write(&piece);
        stream.flush_if_large().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::imap::command::Command;
    use crate::wire::imap::fetch::Item;
    use crate::wire::imap::parse;

    fn section(text: &str) -> Section {
        let line = format!("a FETCH 1 {text}");
        match parse::command(line.as_bytes()).unwrap().command {
            Command::Fetch(fetch) => match fetch.items.into_iter().next() {
                Some(Item::Section(section)) => section,
                other => unreachable!("{other:?}"),
            },
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn sections_are_found_and_cut() {
        let message = b"A: b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--\r\n";
        let structure = Structure::parse(message);
        for (asked, want) in [
            ("BODY[1]", Some("one")),
            ("BODY[2]", Some("two")),
            ("BODY[2]<1.1>", Some("w")),
            ("BODY[2]<1.9>", Some("wo")),
            ("BODY[2]<9.1>", Some("")),
            ("BODY[3]", None),
            ("BODY[1.HEADER]", None),
            ("BODY[]<0.4>", Some("A: b")),
            ("BODY[HEADER]<0.6>", Some("A: b\r\n")),
            ("RFC822.TEXT", Some("--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--\r\n")),
        ] {
            let section = section(asked);
            let range = range(&section, Some(&structure), message.len() as u64);
            let octets = range.map(|range| partial(section.partial, range));
            let octets = octets.map(|range| std::str::from_utf8(&message[to_index(range.start)..to_index(range.end)]).unwrap());
            assert_eq!(octets, want, "{asked}");
        }
    }

    #[test]
    fn names_are_repeated() {
        for (asked, name) in [
            ("body[1.2.mime]", "BODY[1.2.MIME]"),
            (
                "BODY.PEEK[HEADER.FIELDS (From \"X Y\")]<5.10>",
                "BODY[HEADER.FIELDS (From \"X Y\")]<5>",
            ),
            ("BODY[1.HEADER.FIELDS.NOT (To)]", "BODY[1.HEADER.FIELDS.NOT (To)]"),
            ("RFC822", "RFC822"),
        ] {
            let mut out = Vec::new();
            section(asked).write_name(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), name);
        }
    }
}
