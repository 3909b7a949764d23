//! From octets to parts: one way forward through the message, with the boundaries that are open on a stack.

use std::ops::Range;

use super::{Disposition, Embedded, Envelope, Part, Structure, limits, params};
use crate::wire::message::header::{Field, Fields, unfold};
use crate::wire::message::line;

pub(super) fn message(message: &[u8]) -> Structure {
    let mut parser = Parser {
        message,
        at: 0,
        line_ends: 0,
        parts: 0,
        open: Vec::new(),
    };
    let (root, _) = parser.part(&Unmarked::TEXT, 0);
    let envelope = Envelope::parse(parser.octets(&root.header));
    Structure {
        size: octets(message.len()),
        root,
        envelope,
    }
}

/// An offset as it is kept. A usize has 64 bits at most.
fn octets(count: usize) -> u64 {
    count as u64
}

/// What a part without Content-Type is.
struct Unmarked(&'static str, &'static str);

impl Unmarked {
    /// RFC 2045 §5.2.
    const TEXT: Self = Self("text", "plain");
    /// RFC 2046 §5.1.5: in a multipart/digest.
    const MESSAGE: Self = Self("message", "rfc822");
}

/// Where the body of a part ended.
#[derive(Clone, Copy)]
enum Stop {
    /// At the end of the message.
    End,
    /// Before a line of the boundary number `level` on the stack, which ends at `next`.
    Delimiter { level: usize, closes: bool, next: usize },
}

struct Parser<'a> {
    message: &'a [u8],
    /// Always the begin of a line.
    at: usize,
    /// Line ends before `at`.
    line_ends: u64,
    parts: usize,
    /// The boundaries of the multiparts around `at`, outermost first.
    open: Vec<Vec<u8>>,
}

impl<'a> Parser<'a> {
    fn octets(&self, range: &Range<u64>) -> &'a [u8] {
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        self.message.get(at(range.start)..at(range.end)).unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        self.message.get(self.at..).unwrap_or_default()
    }

    fn advance_to(&mut self, at: usize) {
        let passed = self.message.get(self.at..at).unwrap_or_default();
        self.line_ends = self.line_ends.saturating_add(octets(memchr::memchr_iter(b'\n', passed).count()));
        self.at = at;
    }

    /// The part that begins here; goes to the delimiter that ends it.
    fn part(&mut self, unmarked: &Unmarked, depth: usize) -> (Part, Stop) {
        self.parts = self.parts.saturating_add(1);
        let begin = self.at;
        self.skip_header();
        let mut part = described(self.message.get(begin..self.at).unwrap_or_default(), unmarked);
        part.header = octets(begin)..octets(self.at);

        let (start, line_ends_before) = (self.at, self.line_ends);
        let stop = self.inside(&mut part, depth);
        let body = self.message.get(start..self.at).unwrap_or_default();
        let length = match stop {
            Stop::End => body.len(),
            // RFC 2046 §5.1.1: the line end before a delimiter belongs to the delimiter.
            Stop::Delimiter { .. } => line::without_end(body).len(),
        };
        let cut_off = u64::from(length < body.len());
        part.lines = self.line_ends.saturating_sub(line_ends_before).saturating_sub(cut_off);
        part.body = octets(start)..octets(start.saturating_add(length));
        if part.is_multipart() || !is_multipart_type(&part) {
            return (part, stop);
        }
        // RFC 3501 §9 has no form for a multipart without parts.
        part.children.push(empty_text(part.body.start));
        (part, stop)
    }

    /// What a multipart or message holds; for all else goes to the end of the body.
    fn inside(&mut self, part: &mut Part, depth: usize) -> Stop {
        let is_message = part.is("message", "rfc822") || part.is("message", "global");
        if !is_message && !is_multipart_type(part) {
            return self.skip_body();
        }
        if depth >= limits::DEPTH || self.parts >= limits::PARTS {
            // What is not looked into must not claim to be a container.
            set_type(part, "application", "octet-stream");
            part.params.clear();
            return self.skip_body();
        }
        let depth = depth.saturating_add(1);
        if is_message {
            let (root, stop) = self.part(&Unmarked::TEXT, depth);
            let envelope = Envelope::parse(self.octets(&root.header));
            part.embedded = Some(Box::new(Embedded { envelope, root }));
            return stop;
        }
        match part.param("boundary").map(<[u8]>::trim_ascii_end) {
            Some(boundary) if !boundary.is_empty() => {
                let unmarked = if part.is("multipart", "digest") {
                    Unmarked::MESSAGE
                } else {
                    Unmarked::TEXT
                };
                let boundary = boundary.to_vec();
                let (children, stop) = self.multipart(boundary, &unmarked, depth);
                part.children = children;
                stop
            }
            _ => {
                set_type(part, "text", "plain");
                self.skip_body()
            }
        }
    }

    /// RFC 2046 §5.1.1: preamble, parts, epilogue. One that is never closed ends where the part around it ends.
    fn multipart(&mut self, boundary: Vec<u8>, unmarked: &Unmarked, depth: usize) -> (Vec<Part>, Stop) {
        let own = self.open.len();
        self.open.push(boundary);
        let mut children = Vec::new();
        let mut stop = self.skip_body();
        while let Stop::Delimiter { level, closes, next } = stop
            && level == own
        {
            self.advance_to(next);
            if closes {
                self.open.truncate(own);
                stop = self.skip_body();
            } else if self.parts >= limits::PARTS {
                stop = self.skip_body();
            } else {
                let (child, end) = self.part(unmarked, depth);
                children.push(child);
                stop = end;
            }
        }
        self.open.truncate(own);
        (children, stop)
    }

    /// Goes behind the blank line; or to a delimiter or the end, if that comes first.
    fn skip_header(&mut self) {
        let mut at = self.at;
        while let Some(rest) = self.message.get(at..) {
            let line = line::first(rest);
            if line.is_empty() || self.delimiter(at).is_some() {
                break;
            }
            at = at.saturating_add(line.len());
            if line::is_blank(line) {
                break;
            }
        }
        self.advance_to(at);
    }

    /// Goes to the begin of the next delimiter line.
    fn skip_body(&mut self) -> Stop {
        if self.open.is_empty() {
            self.advance_to(self.message.len());
            return Stop::End;
        }
        let rest = self.rest();
        let later = memchr::memmem::find_iter(rest, b"\n--").map(|at| at.saturating_add(1));
        for offset in std::iter::once(0).chain(later) {
            let at = self.at.saturating_add(offset);
            if let Some(stop) = self.delimiter(at) {
                self.advance_to(at);
                return stop;
            }
        }
        self.advance_to(self.message.len());
        Stop::End
    }

    /// The delimiter on the line that begins at `at`, of the innermost multipart whose boundary it is.
    fn delimiter(&self, at: usize) -> Option<Stop> {
        let rest = self.message.get(at..)?.strip_prefix(b"--")?;
        let text = line::first(rest);
        self.open.iter().enumerate().rev().find_map(|(level, boundary)| {
            let behind = text.strip_prefix(boundary.as_slice())?;
            let (closes, padding) = match behind.strip_prefix(b"--") {
                Some(padding) => (true, padding),
                None => (false, behind),
            };
            // RFC 2046 §5.1.1: only blanks may follow, so that `--abc` is none of boundary `ab`.
            let next = at.saturating_add(2).saturating_add(text.len());
            padding.trim_ascii().is_empty().then_some(Stop::Delimiter { level, closes, next })
        })
    }
}

fn is_multipart_type(part: &Part) -> bool {
    part.media_type.eq_ignore_ascii_case("multipart")
}

fn set_type(part: &mut Part, media_type: &str, subtype: &str) {
    part.media_type = media_type.to_owned();
    part.subtype = subtype.to_owned();
}

fn empty_text(at: u64) -> Part {
    Part {
        media_type: "text".into(),
        subtype: "plain".into(),
        header: at..at,
        body: at..at,
        ..Part::default()
    }
}

/// What the Content-… fields say; the first of each counts.
fn described(header: &[u8], unmarked: &Unmarked) -> Part {
    let mut part = Part::default();
    let mut content_type: Option<&[u8]> = None;
    for Field { name, value, .. } in Fields::new(header) {
        let Some(name) = name
            .split_at_checked(8)
            .filter(|(head, _)| head.eq_ignore_ascii_case(b"Content-"))
            .map(|(_, tail)| tail)
        else {
            continue;
        };
        let value = value.get(..limits::FIELD).unwrap_or(value);
        match name.to_ascii_lowercase().as_slice() {
            b"type" => content_type = content_type.or(Some(value)),
            b"id" => keep_first(&mut part.id, value),
            b"description" => keep_first(&mut part.description, value),
            b"transfer-encoding" => keep_first(&mut part.encoding, value),
            b"md5" => keep_first(&mut part.md5, value),
            b"location" => keep_first(&mut part.location, value),
            b"disposition" if part.disposition.is_none() => {
                let (kind, params) = params::disposition(value);
                part.disposition = kind.map(|kind| Disposition { kind, params });
            }
            b"language" if part.languages.is_empty() => part.languages = languages(value),
            _ => {}
        }
    }
    match content_type.map(params::media_type) {
        Some((Some((media_type, subtype)), params)) => {
            (part.media_type, part.subtype, part.params) = (media_type, subtype, params);
        }
        // RFC 2045 §5.2: a broken field is read as text; its parameters may still tell the charset.
        Some((None, params)) => {
            set_type(&mut part, "text", "plain");
            part.params = params;
        }
        None => set_type(&mut part, unmarked.0, unmarked.1),
    }
    part
}

fn keep_first(slot: &mut Option<Vec<u8>>, value: &[u8]) {
    if slot.is_none() {
        let text = unfold(value);
        *slot = (!text.is_empty()).then(|| text.into_owned());
    }
}

/// RFC 3282 §2: tags with commas between.
fn languages(value: &[u8]) -> Vec<Vec<u8>> {
    let text = unfold(value);
    let tags = text.split(|&octet| octet == b',').map(<[u8]>::trim_ascii);
    tags.filter(|tag| !tag.is_empty())
        .take(limits::PARAMS)
        .map(<[u8]>::to_vec)
        .collect()
}
