//! The files of a message: their names, and what is in them as far as the first look tells.

use std::borrow::Cow;

use crate::wire::message::structure::{Part, Structure};
use crate::wire::message::transfer::Encoding;
use crate::wire::message::view;

/// The most octets of a file that are looked into, as they stand in the message: those of all files together.
const MOST: usize = 8_388_608;
/// The most names in an archive that are read.
const NAMES: usize = 1_000;

/// A file.
pub(in crate::mail::spam) struct File<'a> {
    /// Its name, decoded; may be empty.
    pub name: String,
    /// Such as `application/pdf`, in lower case.
    pub media_type: String,
    /// Its octets, decoded; the begin of them where there are many.
    pub octets: Cow<'a, [u8]>,
    /// What it is.
    pub content: Content,
}

/// What a file is, by its first octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mail::spam) enum Content {
    /// A program.
    Program,
    /// An archive in the form of ZIP, documents of newer offices too.
    Zip {
        /// The names in it.
        names: Vec<String>,
        /// Whether something in it is encrypted.
        is_encrypted: bool,
    },
    /// Another archive.
    Archive,
    /// A document of an older office.
    Compound,
    /// A PDF.
    Pdf,
    /// Something else.
    Other,
}

impl File<'_> {
    /// The ending of its name, in lower case, without the dot; empty where there is none.
    pub(in crate::mail::spam) fn ending(&self) -> String {
        ending(&self.name)
    }

    /// The names of it and of what is in it.
    pub(in crate::mail::spam) fn names(&self) -> impl Iterator<Item = &str> {
        let inner: &[String] = match &self.content {
            Content::Zip { names, .. } => names,
            _ => &[],
        };
        std::iter::once(self.name.as_str()).chain(inner.iter().map(String::as_str))
    }
}

/// The ending of a name, in lower case, without the dot.
pub(in crate::mail::spam) fn ending(name: &str) -> String {
    let name = name.trim_end_matches([' ', '.']);
    match name.rsplit_once('.') {
        Some((_, ending)) if ending.len() <= 10 => ending.to_lowercase(),
        _ => String::new(),
    }
}

/// The files, at most so many.
pub(super) fn all<'a>(message: &'a [u8], structure: &Structure, most: usize) -> Vec<File<'a>> {
    let mut left = MOST;
    let parts = view::attached(structure).into_iter().take(most);
    parts.map(|part| read(message, part, &mut left)).collect()
}

fn read<'a>(message: &'a [u8], part: &Part, left: &mut usize) -> File<'a> {
    let raw = super::octets(message, &part.body);
    let raw = raw.get(..*left).unwrap_or(raw);
    *left = left.saturating_sub(raw.len());
    let is_picture = part.media_type.eq_ignore_ascii_case("image") && !part.subtype.eq_ignore_ascii_case("svg+xml");
    // Of pictures, sounds and films the begin tells what they are.
    let is_seen = is_picture || part.media_type.eq_ignore_ascii_case("audio") || part.media_type.eq_ignore_ascii_case("video");
    let raw = if is_seen { raw.get(..4096).unwrap_or(raw) } else { raw };
    let octets = view::decode_part(raw, Encoding::named(part.encoding.as_deref()));
    File {
        name: view::filename(part).unwrap_or_default(),
        media_type: format!("{}/{}", part.media_type, part.subtype).to_ascii_lowercase(),
        content: content(&octets),
        octets,
    }
}

fn content(octets: &[u8]) -> Content {
    let begins = |mark: &[u8]| octets.starts_with(mark);
    if begins(b"PK\x03\x04") {
        return zip(octets);
    }
    if begins(b"MZ") || begins(b"\x7fELF") || begins(b"\xcf\xfa\xed\xfe") || begins(b"\xca\xfe\xba\xbe") {
        return Content::Program;
    }
    if begins(b"Rar!") || begins(b"7z\xbc\xaf\x27\x1c") || begins(b"\x1f\x8b") || begins(b"MSCF") || begins(b"\xfd7zXZ") || begins(b"BZh") {
        return Content::Archive;
    }
    if begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Content::Compound;
    }
    // Readers look for the mark in the first kilobyte.
    let head = octets.get(..1024).unwrap_or(octets);
    match memchr::memmem::find(head, b"%PDF-") {
        Some(_) => Content::Pdf,
        None => Content::Other,
    }
}

/// Goes from one local header to the next found: those of a broken or cut archive are read as well as of a whole one.
fn zip(octets: &[u8]) -> Content {
    let mut names = Vec::new();
    let mut is_encrypted = false;
    for at in memchr::memmem::find_iter(octets, b"PK\x03\x04").take(NAMES) {
        let Some(header) = octets.get(at..at.saturating_add(30)) else {
            break;
        };
        let short = |offset: usize| {
            let low = header.get(offset).copied().unwrap_or_default();
            let high = header.get(offset.saturating_add(1)).copied().unwrap_or_default();
            u16::from_le_bytes([low, high])
        };
        let begin = at.saturating_add(30);
        let length = usize::from(short(26));
        let Some(name) = octets.get(begin..begin.saturating_add(length)) else {
            break;
        };
        is_encrypted |= short(6) & 1 == 1;
        names.push(String::from_utf8_lossy(name).into_owned());
    }
    Content::Zip { names, is_encrypted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_looked_into() {
        let entry = |flags: u8, name: &str| {
            let mut out = b"PK\x03\x04\x14\x00".to_vec();
            out.extend([flags, 0]);
            out.extend([0; 18]);
            out.extend((name.len() as u16).to_le_bytes());
            out.extend([0, 0]);
            out.extend(name.as_bytes());
            out.extend(b"data");
            out
        };
        let archive = [entry(0, "a.txt"), entry(1, "b/invoice.pdf.exe")].concat();
        let Content::Zip { names, is_encrypted } = content(&archive) else {
            panic!("an archive")
        };
        assert_eq!(names, ["a.txt", "b/invoice.pdf.exe"]);
        assert!(is_encrypted);
        for cut in 4..archive.len() {
            assert!(matches!(content(&archive[..cut]), Content::Zip { .. }));
        }
    }

    #[test]
    fn contents_are_told_by_their_begin() {
        for (octets, expected) in [
            (&b"MZ\x90"[..], Content::Program),
            (b"Rar!\x1a", Content::Archive),
            (b"\n%PDF-1.4", Content::Pdf),
            (b"hello", Content::Other),
            (b"", Content::Other),
        ] {
            assert_eq!(content(octets), expected);
        }
    }

    #[test]
    fn endings_are_read() {
        for (name, expected) in [
            ("a.PDF", "pdf"),
            ("a.pdf.exe. ", "exe"),
            ("a", ""),
            ("a.this is a sentence", ""),
            ("", ""),
        ] {
            assert_eq!(ending(name), expected, "{name}");
        }
    }
}
