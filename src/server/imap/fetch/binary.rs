//! The octets of a part without their transfer encoding: `BINARY[…]` and `BINARY.SIZE[…]` (RFC 3516 §4.2).
//!
//! How many octets a part decodes to is known when it is decoded. A part that does for one piece is decoded once; a larger one is decoded
//! twice, to count and to send, so that it is never in memory as a whole.

use std::io;
use std::ops::Range;

use crate::mail::mailbox::StoredMessage;
use crate::model::refusal::Refusal;
use crate::server::imap::outcome::Fault;
use crate::server::stream::{Gone, Stream};
use crate::wire::imap::encode::{literal8_head, number};
use crate::wire::imap::fetch::{Binary, Item, write_size_name};
use crate::wire::message::structure::{SectionText, Structure};
use crate::wire::message::transfer::{Decoder, Encoding};

use super::section::{PIECE, clamp, partial, stream_octets, to_index};

/// Whether all the parts that the items want decoded can be (RFC 3516 §4.3). A part that is not there has nothing to decode.
pub(super) fn can_decode(items: &[Item], structure: Option<&Structure>) -> bool {
    let known = |part: &[u32]| encoding(part, structure).is_some();
    items.iter().all(|item| match item {
        Item::Binary(binary) => known(&binary.part),
        Item::BinarySize(part) => known(part),
        _ => true,
    })
}

/// Writes decoded octets with their name; NIL if the message has no such part.
pub(super) async fn write(
    out: &mut Vec<u8>,
    binary: &Binary,
    (structure, file): (Option<&Structure>, &StoredMessage),
    stream: &mut Stream,
) -> Result<(), Fault> {
    binary.write_name(out);
    out.push(b' ');
    let Some((range, encoding)) = find(&binary.part, structure, file.size()) else {
        out.extend_from_slice(b"NIL");
        return Ok(());
    };
    if encoding == Encoding::Identity {
        let part = partial(binary.partial, range);
        literal8_head(out, part.end.saturating_sub(part.start));
        return stream_octets(out, file, part, stream).await;
    }
    let window = partial(binary.partial, 0..u64::MAX);
    let mut decoding = Decoding::new(file, range.clone(), encoding, window.clone());
    let first = decoding.next().await?.unwrap_or_default();
    let mut size = first.len() as u64;
    if decoding.has_ended() {
        literal8_head(out, size);
        out.extend_from_slice(&first);
        return Ok(());
    }
    while let Some(piece) = decoding.next().await? {
        size = size.saturating_add(piece.len() as u64);
    }
    literal8_head(out, size);
    stream_decoded(out, Decoding::new(file, range, encoding, window), size, stream).await
}

/// Writes how many octets the part decodes to, with the name; 0 if the message has no such part.
pub(super) async fn write_size(
    out: &mut Vec<u8>,
    part: &[u32],
    structure: Option<&Structure>,
    file: &StoredMessage,
) -> Result<(), Refusal> {
    let size = match find(part, structure, file.size()) {
        None => 0,
        Some((range, Encoding::Identity)) => range.end.saturating_sub(range.start),
        Some((range, encoding)) => {
            let mut decoding = Decoding::new(file, range, encoding, 0..u64::MAX);
            let mut size = 0_u64;
            while let Some(piece) = decoding.next().await? {
                size = size.saturating_add(piece.len() as u64);
            }
            size
        }
    };
    write_size_name(out, part);
    out.push(b' ');
    number(out, size);
    Ok(())
}

/// Where the part stands in the file, and how it is encoded.
fn find(part: &[u32], structure: Option<&Structure>, size: u64) -> Option<(Range<u64>, Encoding)> {
    let encoding = encoding(part, structure)?;
    if part.is_empty() {
        return Some((0..size, encoding));
    }
    let range = structure?.section_range(part, SectionText::Body)?;
    Some((clamp(range, size), encoding))
}

/// How a part is encoded; none if we do not know that encoding. The message itself, a multipart and a message in a message are not
/// (RFC 2045 §6.4).
fn encoding(part: &[u32], structure: Option<&Structure>) -> Option<Encoding> {
    let part = structure.filter(|_| !part.is_empty()).and_then(|structure| structure.section(part));
    match part {
        Some(part) if !part.is_multipart() && part.embedded.is_none() => Encoding::known(part.encoding.as_deref()),
        _ => Some(Encoding::Identity),
    }
}

/// A part that is decoded a piece at a time.
struct Decoding<'a> {
    file: &'a StoredMessage,
    /// What is not read yet.
    left: Range<u64>,
    /// None when the end was decoded.
    decoder: Option<Decoder>,
    /// Which of the decoded octets are wanted.
    window: Range<u64>,
    /// How many were decoded so far.
    decoded: u64,
}

impl<'a> Decoding<'a> {
    fn new(file: &'a StoredMessage, range: Range<u64>, encoding: Encoding, window: Range<u64>) -> Self {
        Self {
            file,
            left: range,
            decoder: Some(Decoder::new(encoding)),
            window,
            decoded: 0,
        }
    }

    /// Whether there is nothing more.
    fn has_ended(&self) -> bool {
        self.decoder.is_none()
    }

    /// The next octets that are wanted; may be empty where none of a piece are.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(mut decoder) = self.decoder.take() else { return Ok(None) };
        let length = PIECE.min(self.left.end.saturating_sub(self.left.start));
        let piece = self.file.read_at(self.left.start, to_index(length)).await?;
        self.left.start = self.left.start.saturating_add(piece.len() as u64);
        let mut out = Vec::with_capacity(piece.len());
        decoder.push(&piece, &mut out);
        let is_last = piece.is_empty() || self.left.is_empty();
        if is_last {
            decoder.finish(&mut out);
        }
        let before = self.decoded;
        self.decoded = before.saturating_add(out.len() as u64);
        if !is_last && self.decoded < self.window.end {
            self.decoder = Some(decoder);
        }
        let at = |offset: u64| to_index(offset.saturating_sub(before)).min(out.len());
        let (start, end) = (at(self.window.start), at(self.window.end));
        out.truncate(end);
        out.drain(..start.min(end));
        Ok(Some(out))
    }
}

/// The octets of a literal whose size was said: see [`stream_octets`].
async fn stream_decoded(out: &mut Vec<u8>, mut decoding: Decoding<'_>, size: u64, stream: &mut Stream) -> Result<(), Fault> {
    let mut left = size;
    while let Ok(Some(piece)) = decoding.next().await {
        let piece = piece.get(..to_index(left).min(piece.len())).unwrap_or_default();
        left = left.saturating_sub(piece.len() as u64);
        stream.write(out);
        out.clear();
        stream.write(piece);
        stream.flush_if_large().await?;
    }
    if left > 0 {
        tracing::warn!("a message ended before its size");
        return Err(Gone::Io(io::ErrorKind::UnexpectedEof.into()).into());
    }
    Ok(())
}
