//! The message that a script looks at and changes.
//!
//! RFC 5228 §2.4.2.2 (header fields), RFC 5293 (changes of the header), RFC 5703 §2 (the tree of parts)

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::wire::message::charset;
use crate::wire::message::header::{Fields, decode_text, unfold};
use crate::wire::message::structure::{Part, Structure};
use crate::wire::message::transfer::Encoding;
use crate::wire::message::view::decode_part;

/// A message. Copies share its octets.
#[derive(Debug, Clone)]
pub struct Message {
    octets: Arc<[u8]>,
    parts: Arc<[Entity]>,
    /// The header with the blank line, where a script has changed it.
    edited: Option<Arc<[u8]>>,
}

/// A part in the order of the message; those inside of it come right after it.
#[derive(Debug, Clone)]
pub(super) struct Entity {
    pub media_type: String,
    pub subtype: String,
    /// None is an encoding that we do not know.
    encoding: Option<Encoding>,
    charset: Option<Vec<u8>>,
    header: Range<usize>,
    body: Range<usize>,
    /// The index behind the last part inside of it.
    pub end: usize,
    pub is_multipart: bool,
    /// Whether its sender meant it as a file.
    pub is_attachment: bool,
}

impl Message {
    /// Takes the octets of a message.
    pub fn new(octets: impl Into<Arc<[u8]>>) -> Self {
        let octets = octets.into();
        let structure = Structure::parse(&octets);
        let mut parts = Vec::new();
        flatten(&structure.root, &mut parts);
        Self {
            octets,
            parts: parts.into(),
            edited: None,
        }
    }

    /// The header with the blank line.
    pub fn header(&self) -> &[u8] {
        match &self.edited {
            Some(header) => header,
            None => self.octets.get(..self.body_begin()).unwrap_or(&self.octets),
        }
    }

    /// All behind the header.
    pub fn body(&self) -> &[u8] {
        self.octets.get(self.body_begin()..).unwrap_or_default()
    }

    fn body_begin(&self) -> usize {
        self.parts.first().map_or(0, |root| root.header.end)
    }

    /// The whole message, with its changes.
    pub fn octets(&self) -> Arc<[u8]> {
        match &self.edited {
            Some(header) => [header, self.body()].concat().into(),
            None => self.octets.clone(),
        }
    }

    /// Octets of the whole message.
    pub fn size(&self) -> u64 {
        let size = self.header().len().saturating_add(self.body().len());
        u64::try_from(size).unwrap_or(u64::MAX)
    }

    /// Whether both are the same message with the same changes.
    pub fn is(&self, other: &Self) -> bool {
        let same_header = match (&self.edited, &other.edited) {
            (None, None) => true,
            (Some(own), Some(their)) => own == their,
            _ => false,
        };
        same_header && (Arc::ptr_eq(&self.octets, &other.octets) || self.octets == other.octets)
    }

    /// Puts another header in the place of this one.
    pub(super) fn set_header(&mut self, header: Vec<u8>) {
        self.edited = Some(header.into());
    }

    /// The values of the fields of this name, decoded (RFC 5228 §2.7.2).
    pub fn values(&self, name: &str) -> Vec<String> {
        values(self.header(), name)
    }

    pub(super) fn parts(&self) -> &[Entity] {
        &self.parts
    }

    /// The header of a part; of the first one, with the changes.
    pub(super) fn part_header(&self, index: usize) -> &[u8] {
        match self.parts.get(index) {
            _ if index == 0 => self.header(),
            Some(part) => self.octets.get(part.header.clone()).unwrap_or_default(),
            None => b"",
        }
    }

    /// The body of a part as it stands.
    pub(super) fn part_raw(&self, index: usize) -> &[u8] {
        let body = self.parts.get(index).and_then(|part| self.octets.get(part.body.clone()));
        body.unwrap_or_default()
    }

    /// Where a part with its header is in the message as it is now.
    pub(super) fn part_range(&self, index: usize) -> Option<Range<usize>> {
        let part = self.parts.get(index)?;
        let shift = |at: usize| at.checked_sub(self.body_begin())?.checked_add(self.header().len());
        Some(shift(part.header.start)?..shift(part.body.end)?)
    }

    /// Where in the body of a part the parts inside of it are, from the first one's header to the last one's end.
    pub(super) fn inside(&self, index: usize) -> Option<Range<usize>> {
        let part = self.parts.get(index)?;
        let first = self.parts.get(index.checked_add(1)?..part.end)?;
        let start = first.first()?.header.start;
        let end = first.iter().map(|part| part.body.end).max()?;
        Some(start.checked_sub(part.body.start)?..end.checked_sub(part.body.start)?)
    }

    /// The body of a part, its transfer encoding undone.
    pub(super) fn part_octets(&self, index: usize) -> Cow<'_, [u8]> {
        let encoding = self.parts.get(index).and_then(|part| part.encoding);
        decode_part(self.part_raw(index), encoding.unwrap_or(Encoding::Identity))
    }

    /// The body of a part in UTF-8.
    pub(super) fn part_text(&self, index: usize) -> String {
        let charset = self.parts.get(index).and_then(|part| part.charset.as_deref());
        charset::decode(&self.part_octets(index), charset).into_owned()
    }
}

impl Entity {
    /// Whether its content can be had: its encoding is known.
    pub fn is_decodable(&self) -> bool {
        self.encoding.is_some()
    }

    pub fn is_text(&self) -> bool {
        self.media_type.eq_ignore_ascii_case("text")
    }

    pub fn is(&self, media_type: &str, subtype: &str) -> bool {
        self.media_type.eq_ignore_ascii_case(media_type) && self.subtype.eq_ignore_ascii_case(subtype)
    }
}

/// The values of the fields of this name in a header, decoded and without blanks around them.
pub(super) fn values(header: &[u8], name: &str) -> Vec<String> {
    raw_values(header, name)
        .into_iter()
        .map(|value| decode_text(&value).trim().to_owned())
        .collect()
}

/// The values as they stand, unfolded.
pub(super) fn raw_values(header: &[u8], name: &str) -> Vec<Vec<u8>> {
    let named = Fields::new(header).filter(|field| field.is(name));
    named.map(|field| unfold(field.value).into_owned()).collect()
}

fn flatten(part: &Part, out: &mut Vec<Entity>) {
    let index = out.len();
    let range = |range: &Range<u64>| {
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        at(range.start)..at(range.end)
    };
    out.push(Entity {
        media_type: part.media_type.clone(),
        subtype: part.subtype.clone(),
        encoding: Encoding::known(part.encoding.as_deref()),
        charset: part.param("charset").map(<[u8]>::to_vec),
        header: range(&part.header),
        body: range(&part.body),
        end: 0,
        is_multipart: part.is_multipart(),
        is_attachment: part
            .disposition
            .as_ref()
            .is_some_and(|it| it.kind.eq_ignore_ascii_case("attachment")),
    });
    part.children.iter().for_each(|child| flatten(child, out));
    if let Some(embedded) = &part.embedded {
        flatten(&embedded.root, out);
    }
    let end = out.len();
    if let Some(entity) = out.get_mut(index) {
        entity.end = end;
    }
}
