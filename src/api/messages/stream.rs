//! Octets of a stored message on their way out, a piece at a time: a large message is never in memory whole.
//!
//! What is asked for by a range is sent alone (RFC 9110 §14); of several ranges, all of it is sent.

use std::ops::Range;
use std::sync::Arc;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};
use futures_util::{Stream, stream};

use crate::api::house::House;
use crate::api::problem::{Kind, Problem};
use crate::mail::mailbox::StoredMessage;
use crate::model::refusal::Refusal;
use crate::wire::message::transfer::{Decoder, Encoding};

/// How many octets are read at a time.
const PIECE: u64 = 65_536;

/// What is sent: octets of a message, with their transfer encoding undone.
pub(super) struct Content {
    pub file: StoredMessage,
    /// Where they stand in the message.
    pub range: Range<u64>,
    pub encoding: Encoding,
    /// How many they are when they are decoded.
    pub size: u64,
    /// Names them: the same tag is the same octets, for ever.
    pub tag: String,
}

/// Which octets are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    All,
    Part(Range<u64>),
    /// None that there are.
    Beyond,
}

/// The answer with the octets; `describe` adds the headers that say what they are.
pub(super) fn answer(
    request: &HttpRequest,
    house: Data<House>,
    content: Content,
    describe: impl FnOnce(&mut HttpResponseBuilder),
) -> HttpResponse {
    let tag = format!("\"{}\"", content.tag);
    let mut reply = HttpResponse::Ok();
    reply.insert_header((ETAG, tag.as_str()));
    reply.insert_header((ACCEPT_RANGES, "bytes"));
    reply.insert_header((CACHE_CONTROL, "private, no-cache"));
    let is_known = |word: &str| word.trim() == "*" || word.trim().trim_start_matches("W/") == tag;
    if text(request.headers(), IF_NONE_MATCH).is_some_and(|known| known.split(',').any(is_known)) {
        return reply.status(StatusCode::NOT_MODIFIED).finish();
    }
    let size = content.size;
    let part = match asked(request.headers(), &tag, size) {
        Asked::All => 0..size,
        Asked::Part(part) => {
            let (first, last) = (part.start, part.end.saturating_sub(1));
            reply.status(StatusCode::PARTIAL_CONTENT);
            reply.insert_header((CONTENT_RANGE, format!("bytes {first}-{last}/{size}")));
            part
        }
        Asked::Beyond => {
            let mut reply = Problem::new(Kind::BadRange, format!("there are {size} octets")).error_response();
            if let Ok(range) = format!("bytes */{size}").parse() {
                reply.headers_mut().insert(CONTENT_RANGE, range);
            }
            return reply;
        }
    };
    describe(&mut reply);
    let length = part.end.saturating_sub(part.start);
    reply.body(SizedStream::new(length, pieces(house, content, part)))
}

/// RFC 9110 §13.1.5, §14.2: a range that cannot be read, or of something else than the client has, is as none.
fn asked(headers: &HeaderMap, tag: &str, size: u64) -> Asked {
    let is_of_another = text(headers, IF_RANGE).is_some_and(|known| known.trim() != tag);
    match text(headers, RANGE).filter(|_| !is_of_another).and_then(|range| part(range, size)) {
        Some(part) if part.is_empty() => Asked::Beyond,
        Some(part) => Asked::Part(part),
        None => Asked::All,
    }
}

/// `bytes=0-499`, `bytes=500-`, `bytes=-500`: none if it is no such thing, empty if there are no such octets.
fn part(range: &str, size: u64) -> Option<Range<u64>> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-').filter(|_| unit.trim().eq_ignore_ascii_case("bytes"))?;
    let number = |text: &str| {
        Some(text)
            .filter(|text| text.bytes().all(|digit| digit.is_ascii_digit()))?
            .parse::<u64>()
            .ok()
    };
    let part = match (first, last) {
        ("", last) => size.saturating_sub(number(last)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(part)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

struct Rest {
    house: Data<House>,
    file: Arc<StoredMessage>,
    range: Range<u64>,
    decoder: Decoder,
    ended: bool,
    /// How many decoded octets are left out yet, and how many are to be sent.
    skip: u64,
    left: u64,
}

/// The octets of the part.
fn pieces(house: Data<House>, content: Content, part: Range<u64>) -> impl Stream<Item = Result<Bytes, Problem>> {
    let mut range = content.range;
    let mut skip = part.start;
    if content.encoding == Encoding::Identity {
        // What is not encoded need not be read to be left out.
        range.start = range.start.saturating_add(std::mem::take(&mut skip));
    }
    let rest = Rest {
        house,
        file: Arc::new(content.file),
        range,
        decoder: Decoder::new(content.encoding),
        ended: false,
        skip,
        left: part.end.saturating_sub(part.start),
    };
    stream::try_unfold(rest, next)
}

async fn next(mut rest: Rest) -> Result<Option<(Bytes, Rest)>, Problem> {
    while !rest.ended && rest.left > 0 {
        let mut out = Vec::new();
        let wanted = rest.range.end.saturating_sub(rest.range.start).min(PIECE);
        if wanted == 0 {
            rest.ended = true;
            rest.decoder.finish(&mut out);
        } else {
            let octets = read(&rest, wanted).await?;
            rest.range.start = rest.range.start.saturating_add(octets.len() as u64);
            rest.decoder.push(&octets, &mut out);
        }
        let out = rest.wanted(out.into());
        // A piece of nothing but line ends decodes to nothing: go on.
        if !out.is_empty() {
            return Ok(Some((out, rest)));
        }
    }
    Ok(None)
}

impl Rest {
    /// What of the decoded octets is to be sent.
    fn wanted(&mut self, mut octets: Bytes) -> Bytes {
        let length = |octets: &Bytes, most: u64| octets.len().min(usize::try_from(most).unwrap_or(usize::MAX));
        let skipped = octets.split_to(length(&octets, self.skip));
        self.skip = self.skip.saturating_sub(skipped.len() as u64);
        octets.truncate(length(&octets, self.left));
        self.left = self.left.saturating_sub(octets.len() as u64);
        octets
    }
}

async fn read(rest: &Rest, wanted: u64) -> Result<Bytes, Problem> {
    let (file, offset) = (Arc::clone(&rest.file), rest.range.start);
    let length = usize::try_from(wanted).unwrap_or(0);
    rest.house
        .run(|_| async move {
            let octets = file.read_at(offset, length).await?;
            // The file is shorter than it was: the client must see that it did not get all.
            if octets.is_empty() { Err(Refusal::LATER) } else { Ok(octets) }
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        for (range, want) in [
            ("bytes=0-4", Asked::Part(0..5)),
            ("Bytes= 2-", Asked::Part(2..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-99", Asked::Part(0..10)),
            ("bytes=9-99", Asked::Part(9..10)),
            ("bytes=10-", Asked::Beyond),
            ("bytes=10-20", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=4-2", Asked::All),
            ("bytes=0-1,3-4", Asked::All),
            ("lines=0-1", Asked::All),
            ("bytes=+1-2", Asked::All),
            ("bytes=x", Asked::All),
            ("", Asked::All),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, range.parse().unwrap());
            assert_eq!(asked(&headers, "\"t\"", 10), want, "{range}");
        }
    }

    #[test]
    fn a_range_of_something_else_is_not_heeded() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, "bytes=0-1".parse().unwrap());
        for (known, want) in [
            ("\"t\"", Asked::Part(0..2)),
            ("\"u\"", Asked::All),
            ("Tue, 3 Feb 2026 10:00:00 GMT", Asked::All),
        ] {
            headers.insert(IF_RANGE, known.parse().unwrap());
            assert_eq!(asked(&headers, "\"t\"", 10), want, "{known}");
        }
        assert_eq!(asked(&HeaderMap::new(), "\"t\"", 10), Asked::All);
    }
}
