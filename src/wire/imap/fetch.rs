//! FETCH as a value (RFC 3501 §6.4.5).

use super::encode::{astring, number};
use super::partial::Partial;
use super::sequence::SequenceSet;

/// FETCH and UID FETCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// UID FETCH.
    pub uid: bool,
    /// Which messages.
    pub set: SequenceSet,
    /// What of them.
    pub items: Vec<Item>,
    /// Only what changed since (RFC 7162 §3.1.4.1).
    pub changed_since: Option<u64>,
    /// And what vanished since then (RFC 7162 §3.2.6).
    pub vanished: bool,
    /// Only these of the messages (RFC 9394 §3.3).
    pub partial: Option<Partial>,
}

/// One thing asked of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// FLAGS
    Flags,
    /// UID
    Uid,
    /// INTERNALDATE
    InternalDate,
    /// RFC822.SIZE
    Size,
    /// MODSEQ (RFC 7162 §3.1.4.2)
    ModSeq,
    /// ENVELOPE
    Envelope,
    /// BODY: BODYSTRUCTURE without extensions
    Body,
    /// BODYSTRUCTURE
    BodyStructure,
    /// Octets of the message.
    Section(Section),
    /// PREVIEW (RFC 8970 §3)
    Preview {
        /// Only if it is at hand.
        lazy: bool,
    },
    /// EMAILID (RFC 8474 §5.1)
    EmailId,
    /// THREADID (RFC 8474 §5.2)
    ThreadId,
    /// SAVEDATE (RFC 8514 §4.2)
    SaveDate,
    /// Octets of a part, decoded (RFC 3516 §4.2).
    Binary(Binary),
    /// BINARY.SIZE: how many octets the part has when it is decoded (RFC 3516 §4.2).
    BinarySize(Vec<u32>),
}

/// Decoded octets of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    /// The part; empty is the message itself.
    pub part: Vec<u32>,
    /// The first octet and the most octets.
    pub partial: Option<(u64, u64)>,
    /// Whether `\Seen` stays as it is.
    pub peek: bool,
}

impl Binary {
    /// Writes what stands before the octets in the answer: `BINARY[1]<0>`.
    pub fn write_name(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"BINARY[");
        part_number(out, &self.part);
        out.push(b']');
        origin(out, self.partial);
    }
}

/// Writes what stands before the number in the answer: `BINARY.SIZE[1]`.
pub fn write_size_name(out: &mut Vec<u8>, part: &[u32]) {
    out.extend_from_slice(b"BINARY.SIZE[");
    part_number(out, part);
    out.push(b']');
}

/// `1.2.3`
fn part_number(out: &mut Vec<u8>, part: &[u32]) {
    for (index, part) in part.iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        number(out, u64::from(*part));
    }
}

/// `<0>`, where a piece was asked for.
fn origin(out: &mut Vec<u8>, partial: Option<(u64, u64)>) {
    if let Some((origin, _)) = partial {
        out.push(b'<');
        number(out, origin);
        out.push(b'>');
    }
}

/// Octets of a message, and how they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The form, which the answer repeats.
    pub form: Form,
    /// The part; empty is the message itself.
    pub part: Vec<u32>,
    /// What of the part.
    pub what: What,
    /// The first octet and the most octets.
    pub partial: Option<(u64, u64)>,
    /// Whether `\Seen` stays as it is.
    pub peek: bool,
}

/// The forms of asking for octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `BODY[…]`
    Body,
    /// `RFC822`
    Rfc822,
    /// `RFC822.HEADER`
    Rfc822Header,
    /// `RFC822.TEXT`
    Rfc822Text,
}

/// What of a part (RFC 3501 §6.4.5 section-text).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The whole: the message, or the part's body.
    All,
    /// `HEADER`
    Header,
    /// `HEADER.FIELDS`, or `.NOT`.
    Fields {
        /// The names as they were written.
        names: Vec<String>,
        /// All but these.
        not: bool,
    },
    /// `TEXT`
    Text,
    /// `MIME`
    Mime,
}

impl Section {
    /// Writes what stands before the octets in the answer: `BODY[1.HEADER.FIELDS (DATE)]<0>`.
    pub fn write_name(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self.form {
            Form::Body => b"BODY[",
            Form::Rfc822 => return out.extend_from_slice(b"RFC822"),
            Form::Rfc822Header => return out.extend_from_slice(b"RFC822.HEADER"),
            Form::Rfc822Text => return out.extend_from_slice(b"RFC822.TEXT"),
        });
        part_number(out, &self.part);
        if !self.part.is_empty() && self.what != What::All {
            out.push(b'.');
        }
        match &self.what {
            What::All => {}
            What::Header => out.extend_from_slice(b"HEADER"),
            What::Text => out.extend_from_slice(b"TEXT"),
            What::Mime => out.extend_from_slice(b"MIME"),
            What::Fields { names, not } => {
                out.extend_from_slice(if *not { b"HEADER.FIELDS.NOT (" } else { b"HEADER.FIELDS (" });
                for (index, name) in names.iter().enumerate() {
                    if index > 0 {
                        out.push(b' ');
                    }
                    astring(out, name.as_bytes());
                }
                out.push(b')');
            }
        }
        out.push(b']');
        origin(out, self.partial);
    }
}
