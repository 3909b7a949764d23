//! `body` (RFC 5173).

use std::ops::Range;

use crate::wire::sieve::arguments::Arguments;
use crate::wire::sieve::matching::{Matcher, TAGS as MATCHING};
use crate::wire::sieve::message::{Entity, Message, raw_values};
use crate::wire::sieve::run::{Fault, Run, Test};
use crate::wire::sieve::signature::{Kind, Signature, Tag, tag, texts};
use crate::wire::sieve::text::{Text, expand_all};

const TRANSFORM: &[Tag] = &[
    tag("raw").among("body transform"),
    tag("text").among("body transform"),
    tag("content").with(Kind::Texts).among("body transform"),
];

pub(in crate::wire::sieve) const SIGNATURE: Signature = Signature::of(&[texts("key list")]).tagged(&[MATCHING, TRANSFORM]);

pub(in crate::wire::sieve) fn compile(arguments: &mut Arguments<'_, '_, '_>) -> Option<Box<dyn Test>> {
    let transform = if arguments.flag("raw") {
        Transform::Raw
    } else if arguments.flag("content") {
        Transform::Content(arguments.tag_texts("content"))
    } else {
        Transform::Text
    };
    // RFC 5173 §6: match variables are not set, since a body is large.
    let matcher = Matcher::compile(arguments, 0)?.quiet();
    Some(Box::new(Body { transform, matcher }))
}

#[derive(Debug)]
enum Transform {
    Raw,
    Text,
    Content(Vec<Text>),
}

#[derive(Debug)]
struct Body {
    transform: Transform,
    matcher: Matcher,
}

impl Test for Body {
    fn holds(&self, run: &mut Run<'_>) -> Result<bool, Fault> {
        let message = &run.state.message;
        let values = match &self.transform {
            Transform::Raw if message.body().is_empty() => Vec::new(),
            Transform::Raw => vec![message.body().to_vec()],
            Transform::Text => texts_of(message),
            Transform::Content(types) => contents_of(message, &expand_all(types, run)),
        };
        self.matcher.any(run, &values)
    }
}

/// RFC 5173 §5.3: the texts for people. Of HTML, what is to be read.
fn texts_of(message: &Message) -> Vec<Vec<u8>> {
    let is_html = |part: &Entity| part.is("text", "html") || part.is("application", "xhtml+xml");
    let mut texts = Vec::new();
    for (index, part) in message.parts().iter().enumerate() {
        if !(part.is_text() || is_html(part)) || !part.is_decodable() || has_broken_type(message, index) {
            continue;
        }
        let text = message.part_text(index);
        let text = if is_html(part) {
            mail_parser::decoders::html::html_to_text(&text)
        } else {
            text
        };
        texts.push(text.into_bytes());
    }
    texts
}

/// Whether the type of the part is none of RFC 2045 §5.1, such as `text/plain/x`: then it is no text for sure.
fn has_broken_type(message: &Message, index: usize) -> bool {
    let types = raw_values(message.part_header(index), "Content-Type");
    let kind = types.first().and_then(|value| value.split(|octet| *octet == b';').next());
    kind.is_some_and(|kind| kind.iter().filter(|octet| **octet == b'/').count() > 1)
}

/// RFC 5173 §5.2: the parts of these types; an empty type is every one.
fn contents_of(message: &Message, types: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let types: Vec<String> = types
        .iter()
        .map(|name| String::from_utf8_lossy(name).to_ascii_lowercase())
        .collect();
    let mut values = Vec::new();
    for (index, part) in message.parts().iter().enumerate() {
        let media_type = part.media_type.to_ascii_lowercase();
        let whole = format!("{media_type}/{}", part.subtype.to_ascii_lowercase());
        if !types.iter().any(|name| name.is_empty() || *name == media_type || *name == whole) {
            continue;
        }
        if !part.is_multipart && !part.is_decodable() {
            continue;
        }
        if part.is_multipart {
            values.extend(around(message, index));
        } else if part.is("message", "rfc822") || part.is("message", "global") {
            // RFC 5173 §5.2: of a message, its header.
            let header = message.part_header(index.saturating_add(1));
            values.push(
                header
                    .strip_suffix(b"\r\n\r\n")
                    .map_or(header.to_vec(), |fields| [fields, b"\r\n"].concat()),
            );
        } else if part.is_text() {
            values.push(message.part_text(index).into_bytes());
        } else {
            values.push(message.part_octets(index).into_owned());
        }
    }
    values
}

/// RFC 5173 §5.2: of a multipart, what stands before its first part and after its last one.
fn around(message: &Message, index: usize) -> Vec<Vec<u8>> {
    let Some(Range { start, end }) = message.inside(index) else {
        return Vec::new();
    };
    let raw = message.part_raw(index);
    let before = raw.get(..start).unwrap_or_default();
    // The last line before a part is its boundary, the first one after it too.
    let before = before.strip_suffix(b"\n").unwrap_or(before);
    let boundary = memchr::memrchr(b'\n', before).map_or(0, |at| at.saturating_add(1));
    let prologue = before.get(..boundary).unwrap_or_default();
    let after = raw.get(end..).unwrap_or_default().trim_ascii_start();
    let epilogue = memchr::memchr(b'\n', after)
        .and_then(|at| after.get(at.saturating_add(1)..))
        .unwrap_or_default();
    vec![prologue.to_vec(), epilogue.to_vec()]
}
