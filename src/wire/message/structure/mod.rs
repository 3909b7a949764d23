//! The parts of a message with the offsets of their octets: what IMAP's ENVELOPE, BODYSTRUCTURE and BODY[…] are made of.
//!
//! Texts are as they stand in the message, unfolded but not decoded, for IMAP hands them out that way; decoding is
//! [`super::view`]'s and [`super::search`]'s. Every input has a structure: what is broken is read as Dovecot and Courier read it, and
//! what goes past a limit of [`limits`] is opaque.
//!
//! Of a header field that may stand once, the first counts.
//!
//! RFC 5322 §3.4, §4.4 (addresses)
//! RFC 2045 §5.1, §6.1 (media types and encodings)
//! RFC 2046 §5.1, §5.2 (multipart and message)
//! RFC 2183 §2 (disposition)
//! RFC 2231 §3, §4 (parameters in pieces and in charsets)
//! RFC 3501 §6.4.5, §7.4.2 (section numbers, envelope)

mod address;
mod codec;
mod envelope;
mod params;
mod parse;

#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use address::{Address, addresses};
pub use envelope::Envelope;
pub use params::Param;
pub(in crate::wire) use params::{disposition, media_type};

/// Where reading stops. What goes past a limit is not an error: it is left inside of the part around it.
pub mod limits {
    /// How deep parts may be nested; a multipart or message below is opaque.
    pub const DEPTH: usize = 100;
    /// How many parts a message may have; a multipart that comes later is opaque, and a further part of an earlier one is not split off.
    pub const PARTS: usize = 10_000;
    /// How many octets of one header field are looked at.
    pub const FIELD: usize = 262_144;
    /// How many parameters one field may have.
    pub const PARAMS: usize = 200;
    /// How many members an address list may have.
    pub const ADDRESSES: usize = 10_000;
}

/// The structure of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// Octets of the whole message.
    pub size: u64,
    /// The message itself as a part: its header is the message's header, its body is all the rest.
    pub root: Part,
    /// The message's envelope.
    pub envelope: Envelope,
}

/// A part of a message: a leaf, a multipart with `children`, or a message with `embedded`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Part {
    /// The media type as written, such as `TEXT`: always an RFC 2045 token. `text` where the field is missing or broken.
    pub media_type: String,
    /// The subtype as written, such as `plain`: always an RFC 2045 token.
    pub subtype: String,
    /// Parameters of Content-Type, RFC 2231 pieces joined. No charset is added where there is none: us-ascii is meant for text.
    pub params: Vec<Param>,
    /// Content-ID with its angle brackets.
    pub id: Option<Vec<u8>>,
    /// Content-Description.
    pub description: Option<Vec<u8>>,
    /// Content-Transfer-Encoding; absent means `7bit`.
    pub encoding: Option<Vec<u8>>,
    /// Content-MD5.
    pub md5: Option<Vec<u8>>,
    /// Content-Disposition.
    pub disposition: Option<Disposition>,
    /// Content-Language, tag by tag.
    pub languages: Vec<Vec<u8>>,
    /// Content-Location.
    pub location: Option<Vec<u8>>,
    /// Where its header stands in the whole message, with the blank line behind it.
    pub header: Range<u64>,
    /// Where its body stands in the whole message, without the line end before the boundary.
    pub body: Range<u64>,
    /// Line ends in the body.
    pub lines: u64,
    /// The parts of a multipart: at least one (an empty one gets an empty text part, as RFC 3501 §9 has no other form).
    /// Empty for everything else.
    #[serde(skip)]
    pub children: Vec<Part>,
    /// The message inside of a message/rfc822 or message/global, always there for these types.
    #[serde(skip)]
    pub embedded: Option<Box<Embedded>>,
}

/// Content-Disposition (RFC 2183 §2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    /// `attachment`, `inline` or something else, as written: a token.
    pub kind: String,
    /// Its parameters, such as `filename`.
    pub params: Vec<Param>,
}

/// The message inside of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    /// Its envelope.
    pub envelope: Envelope,
    /// The message as a part; offsets count from the begin of the outermost message.
    pub root: Part,
}

/// Which octets of a part: the last word of IMAP's `BODY[1.2.MIME]` (RFC 3501 §6.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SectionText {
    /// No word: the body of the part; the whole message where there is no number.
    Body,
    /// `HEADER`: the header of the message, or of the message in this message/rfc822 part. (`HEADER.FIELDS` picks from it.)
    Header,
    /// `TEXT`: the body of that message.
    Text,
    /// `MIME`: the header of the part itself. Needs a number.
    Mime,
}

impl Structure {
    /// Reads a message. Never fails: see the head of this module.
    pub fn parse(message: &[u8]) -> Self {
        parse::message(message)
    }

    /// The part with this number, such as `[2, 1]` for `2.1` (RFC 3501 §6.4.5). None for no number, and where there is no such part.
    pub fn section(&self, path: &[u32]) -> Option<&Part> {
        let (first, rest) = path.split_first()?;
        let mut part = self.root.numbered_in_message(*first)?;
        for number in rest {
            part = part.numbered(*number)?;
        }
        Some(part)
    }

    /// The octets of `BODY[path.text]`; none where RFC 3501 §6.4.5 knows no such section of this message.
    pub fn section_range(&self, path: &[u32], text: SectionText) -> Option<Range<u64>> {
        let part = if path.is_empty() { None } else { Some(self.section(path)?) };
        let inner = match part {
            None => Some(&self.root),
            Some(part) => part.embedded.as_ref().map(|embedded| &embedded.root),
        };
        match (text, part) {
            (SectionText::Body, None) => Some(0..self.size),
            (SectionText::Body, Some(part)) => Some(part.body.clone()),
            (SectionText::Mime, part) => part.map(|part| part.header.clone()),
            (SectionText::Header, _) => inner.map(|root| root.header.clone()),
            (SectionText::Text, _) => inner.map(|root| root.body.clone()),
        }
    }

    /// For the cache: a version octet, then the parts in the order of the message.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads what `encode` wrote. None for another version or damage: parse the message again.
    pub fn decode(octets: &[u8]) -> Option<Self> {
        codec::decode(octets)
    }

    /// All parts, outer before inner, in the order of the message; those of embedded messages too.
    pub fn parts(&self) -> Parts<'_> {
        Parts { stack: vec![&self.root] }
    }
}

impl Part {
    /// Whether it has this media type, in any case.
    pub fn is(&self, media_type: &str, subtype: &str) -> bool {
        self.media_type.eq_ignore_ascii_case(media_type) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    /// Whether it is `text/…`.
    pub fn is_text(&self) -> bool {
        self.media_type.eq_ignore_ascii_case("text")
    }

    /// Whether it is a multipart (then it has children).
    pub fn is_multipart(&self) -> bool {
        !self.children.is_empty()
    }

    /// The parameter of Content-Type with this name, raw.
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        params::find(&self.params, name)
    }

    /// Octets of the body.
    pub fn size(&self) -> u64 {
        self.body.end.saturating_sub(self.body.start)
    }

    /// The part with this number in the message that `self` is the root of.
    fn numbered_in_message(&self, number: u32) -> Option<&Part> {
        if self.is_multipart() {
            return self.child(number);
        }
        // RFC 3501 §6.4.5: a message that is no multipart has its body as part 1.
        (number == 1).then_some(self)
    }

    /// The part with this number below `self`.
    fn numbered(&self, number: u32) -> Option<&Part> {
        match &self.embedded {
            Some(embedded) => embedded.root.numbered_in_message(number),
            None => self.child(number),
        }
    }

    fn child(&self, number: u32) -> Option<&Part> {
        self.children.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }
}

/// The parts of a structure, outer before inner ([`Structure::parts`]).
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    stack: Vec<&'a Part>,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a Part;

    fn next(&mut self) -> Option<&'a Part> {
        let part = self.stack.pop()?;
        self.stack.extend(part.children.iter().rev());
        self.stack.extend(part.embedded.iter().map(|embedded| &embedded.root));
        Some(part)
    }
}
