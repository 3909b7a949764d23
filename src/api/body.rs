//! What comes in: JSON bodies and query strings, strict, bounded, with the field at fault named.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::house::House;
use super::problem::{Kind, Problem};
use crate::model::refusal::Refusal;

/// How long a client may take to send a JSON body, or the next piece of a large body.
pub(super) const BODY_TIME: Duration = Duration::from_secs(30);
/// How long it may take to send a large body.
const STREAM_TIME: Duration = Duration::from_secs(600);

/// A JSON body.
pub(super) struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = request.app_data::<Data<House>>().map_or(0, |house| house.settings.max_json_bytes);
        let acceptable = check_head(request, limit);
        let is_patch = request.method() == Method::PATCH;
        let payload = payload.take();
        Box::pin(async move {
            acceptable?;
            let octets = tokio::time::timeout(BODY_TIME, read(payload, limit))
                .await
                .map_err(|_| too_slow())??;
            if !is_patch {
                refuse_null(&octets)?;
            }
            parse_json(&octets).map(Self)
        })
    }
}

/// A query string.
pub(super) struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(parse_query(request.query_string()).map(Self))
    }
}

/// For a field of a merge patch: a value that is there, be it null, is `Some` (RFC 7396 §2).
pub(super) fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What JSON bodies call themselves.
const JSON: [&str; 2] = ["application/json", "application/merge-patch+json"];
/// What messages call themselves: the second has UTF-8 in its header (RFC 6532 §3.7).
const MESSAGE: [&str; 2] = ["message/rfc822", "message/global"];

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    Message,
}

/// What the body is; none if it says something else, or nothing.
pub(super) fn media(request: &HttpRequest) -> Option<Media> {
    let header = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let name = header.split(';').next().unwrap_or_default().trim();
    let is_among = |names: [&str; 2]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    match () {
        () if is_among(JSON) => Some(Media::Json),
        () if is_among(MESSAGE) => Some(Media::Message),
        () => None,
    }
}

/// Whether the body is no larger than this, as far as it says.
pub(super) fn check_length(request: &HttpRequest, limit: u64) -> Result<(), Problem> {
    let length = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > limit => Err(too_large(limit)),
        _ => Ok(()),
    }
}

/// A message goes to a draft piece by piece: a large one is never in memory. NUL octets are in none (RFC 5322 §3.1, RFC 6532 §3).
pub(super) async fn stream(
    payload: actix_web::web::Payload,
    mut take: impl AsyncFnMut(&[u8]) -> Result<(), Refusal>,
) -> Result<(), Problem> {
    let mut payload = payload.into_inner();
    let read = async {
        while let Some(piece) = next(&mut payload).await? {
            if memchr::memchr(0, &piece).is_some() {
                let detail = "the message has a NUL octet; what is no text must be encoded, in base64";
                return Err(Problem::new(Kind::BadMessage, detail));
            }
            take(&piece).await?;
        }
        Ok(())
    };
    tokio::time::timeout(STREAM_TIME, read).await.unwrap_or_else(|_| Err(too_slow()))
}

/// A small body of any kind, whole.
pub(super) async fn small(request: &HttpRequest, payload: actix_web::web::Payload, limit: usize) -> Result<Bytes, Problem> {
    check_length(request, limit as u64)?;
    tokio::time::timeout(BODY_TIME, read(payload.into_inner(), limit))
        .await
        .map_err(|_| too_slow())?
}

/// A large JSON body, with the room that it takes from what all callers have together for such bodies: to be held as long as the body.
pub(super) async fn large_json<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: actix_web::web::Payload,
    (room, limit): (&Arc<Semaphore>, usize),
) -> Result<(T, Option<OwnedSemaphorePermit>), Problem> {
    check_length(request, limit as u64)?;
    let mut payload = payload.into_inner();
    let (mut octets, mut taken) = (BytesMut::new(), None::<OwnedSemaphorePermit>);
    let read = async {
        while let Some(piece) = next(&mut payload).await? {
            if octets.len().saturating_add(piece.len()) > limit {
                return Err(too_large(limit as u64));
            }
            let kib = u32::try_from(piece.len().div_ceil(1024)).unwrap_or(u32::MAX);
            let more = Arc::clone(room).try_acquire_many_owned(kib).map_err(|_| Refusal::LATER)?;
            match &mut taken {
                Some(taken) => taken.merge(more),
                None => taken = Some(more),
            }
            octets.extend_from_slice(&piece);
        }
        Ok((parse_json(&octets)?, taken))
    };
    tokio::time::timeout(STREAM_TIME, read).await.unwrap_or_else(|_| Err(too_slow()))
}

async fn next(payload: &mut Payload) -> Result<Option<Bytes>, Problem> {
    let piece = tokio::time::timeout(BODY_TIME, payload.next()).await.map_err(|_| too_slow())?;
    piece.transpose().map_err(broke_off)
}

fn broke_off(error: PayloadError) -> Problem {
    Problem::new(Kind::Malformed, format!("the body broke off: {error}"))
}

fn too_slow() -> Problem {
    Problem::new(Kind::TooSlow, "the body did not come in time")
}

fn check_head(request: &HttpRequest, limit: usize) -> Result<(), Problem> {
    if media(request) != Some(Media::Json) {
        return Err(Problem::new(Kind::WrongMediaType, "the body must be application/json"));
    }
    check_length(request, limit as u64)
}

async fn read(mut payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    let mut octets = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(broke_off)?;
        if octets.len().saturating_add(piece.len()) > limit {
            return Err(too_large(limit as u64));
        }
        octets.extend_from_slice(&piece);
    }
    Ok(octets.freeze())
}

fn too_large(limit: u64) -> Problem {
    Problem::new(Kind::TooLarge, format!("the body is larger than the limit of {limit} octets"))
}

/// Only a merge patch knows null (RFC 7396 §2): elsewhere a field without a value is absent.
fn refuse_null(octets: &[u8]) -> Result<(), Problem> {
    if memchr::memmem::find(octets, b"null").is_none() {
        return Ok(());
    }
    // What is no JSON is refused by those who read it.
    let value: Value = serde_json::from_slice(octets).unwrap_or_default();
    match place_of_null(&value) {
        Some(place) if !place.is_empty() => {
            let detail = format!("{place} is null; a field without a value is left out");
            Err(Problem::new(Kind::Invalid, detail).at(place))
        }
        _ => Ok(()),
    }
}

/// The path of the first null within the value.
fn place_of_null(value: &Value) -> Option<String> {
    let join = |name: &str, rest: String| match rest.as_str() {
        "" => name.to_owned(),
        rest if rest.starts_with('[') => format!("{name}{rest}"),
        rest => format!("{name}.{rest}"),
    };
    match value {
        Value::Null => Some(String::new()),
        Value::Array(items) => {
            let mut places = items.iter().enumerate().filter_map(|(at, item)| Some((at, place_of_null(item)?)));
            places.next().map(|(at, rest)| join(&format!("[{at}]"), rest))
        }
        Value::Object(fields) => {
            let mut places = fields.iter().filter_map(|(name, field)| Some((name, place_of_null(field)?)));
            places.next().map(|(name, rest)| join(name, rest))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

pub(super) fn parse_json<T: DeserializeOwned>(octets: &[u8]) -> Result<T, Problem> {
    // serde reads a struct from a list of its fields, too; the document knows objects only.
    if octets.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::new(Kind::Invalid, "the body is a list; an object is wanted"));
    }
    let mut json = serde_json::Deserializer::from_slice(octets);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let kind = if error.inner().is_data() { Kind::Invalid } else { Kind::Malformed };
        refused(kind, &error.path().to_string(), error.inner().to_string())
    })?;
    json.end().map_err(|error| Problem::new(Kind::Malformed, error.to_string()))?;
    Ok(value)
}

fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| refused(Kind::Malformed, &error.path().to_string(), error.inner().to_string()))
}

/// A problem with the field named: serde knows the path of a wrong value, and says the name of an unknown or missing field only
/// in its text.
fn refused(kind: Kind, path: &str, detail: String) -> Problem {
    let named = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|begin| detail.strip_prefix(begin)?.split_once('`'))
        .map(|(name, _)| name.to_owned());
    let path = path.trim_matches('.');
    let field = match named {
        Some(name) if path.is_empty() || path == "?" => Some(name),
        Some(name) if path == name || path.ends_with(&format!(".{name}")) => Some(path.to_owned()),
        Some(name) => Some(format!("{path}.{name}")),
        None if path.is_empty() || path == "?" => None,
        None => Some(path.to_owned()),
    };
    let problem = Problem::new(kind, detail);
    match field {
        Some(field) => problem.at(field),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        name: String,
        #[serde(default)]
        sizes: Vec<u32>,
        #[serde(default, deserialize_with = "present")]
        note: Option<Option<String>>,
    }

    #[test]
    fn a_wrong_body_names_its_field() {
        for (body, expected) in [
            (r#"{"name":"a","nmae":1}"#, Some("nmae")),
            (r#"{"sizes":[]}"#, Some("name")),
            (r#"{"name":"a","name":"b"}"#, Some("name")),
            (r#"{"name":"a","sizes":[1,"x"]}"#, Some("sizes[1]")),
            (r#"{"name":null}"#, Some("name")),
            (r"[]", None),
            (r#"["a",[1]]"#, None),
        ] {
            let problem = parse_json::<Sample>(body.as_bytes()).unwrap_err();
            let detail = problem.to_string();
            let wanted = Problem::new(Kind::Invalid, detail);
            assert_eq!(problem, expected.map_or(wanted.clone(), |field| wanted.at(field)), "{body}");
        }
        for body in ["", "{", "{\"name\":\"a\"} x", "{\"name\":\"\\u00\"}"] {
            let problem = parse_json::<Sample>(body.as_bytes()).unwrap_err();
            assert_eq!(actix_web::ResponseError::status_code(&problem), 400, "{body}");
        }
    }

    #[test]
    fn null_is_refused_by_its_place() {
        for (body, place) in [
            (r#"{"a":"null","b":[1]}"#, None),
            (r#"{"a":null}"#, Some("a")),
            (r#"{"a":{"b":[1,null]}}"#, Some("a.b[1]")),
            (r#"[{"a":1},{"a":null}]"#, Some("[1].a")),
            ("null", None),
            ("{null", None),
        ] {
            let field = refuse_null(body.as_bytes()).err();
            let wanted =
                place.map(|place| Problem::new(Kind::Invalid, format!("{place} is null; a field without a value is left out")).at(place));
            assert_eq!(field, wanted, "{body}");
        }
    }

    #[test]
    fn a_patch_tells_absent_from_null() {
        let read = |body: &str| parse_json::<Sample>(body.as_bytes()).unwrap().note;
        assert_eq!(read(r#"{"name":"a"}"#), None);
        assert_eq!(read(r#"{"name":"a","note":null}"#), Some(None));
        assert_eq!(read(r#"{"name":"a","note":"n"}"#), Some(Some("n".to_owned())));
    }

    #[test]
    fn a_wrong_query_names_its_field() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Paging {
            limit: Option<usize>,
        }
        assert_eq!(parse_query::<Paging>("limit=5").unwrap().limit, Some(5));
        for (query, field) in [("limit=x", "limit"), ("offset=1", "offset"), ("limit=1&limit=2", "limit")] {
            let problem = parse_query::<Paging>(query).unwrap_err();
            let detail = problem.to_string();
            assert_eq!(problem, Problem::new(Kind::Malformed, detail).at(field), "{query}");
        }
    }
}
