//! What comes in: JSON bodies and query strings, strict, bounded, with the field at fault named.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::house::House;
use super::problem::{Kind, Problem};

/// How long a client may take to send a JSON body.
pub(super) const BODY_TIME: Duration = Duration::from_secs(30);

/// A JSON body.
pub(super) struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = request.app_data::<Data<House>>().map_or(0, |house| house.settings.max_json_bytes);
        let acceptable = check_head(request, limit);
        let payload = payload.take();
        Box::pin(async move {
            acceptable?;
            let octets = tokio::time::timeout(BODY_TIME, read(payload, limit))
                .await
                .map_err(|_| Problem::new(Kind::TooSlow, "the body did not come in time"))??;
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

fn check_head(request: &HttpRequest, limit: usize) -> Result<(), Problem> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let media = header(CONTENT_TYPE)
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    let json = ["application/json", "application/merge-patch+json"];
    if !json.iter().any(|name| media.eq_ignore_ascii_case(name)) {
        return Err(Problem::new(Kind::WrongMediaType, "the body must be application/json"));
    }
    match header(CONTENT_LENGTH).and_then(|value| value.parse::<u64>().ok()) {
        Some(length) if length > limit as u64 => Err(too_large(limit)),
        _ => Ok(()),
    }
}

async fn read(mut payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    let mut octets = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|error| Problem::new(Kind::Malformed, format!("the body broke off: {error}")))?;
        if octets.len().saturating_add(piece.len()) > limit {
            return Err(too_large(limit));
        }
        octets.extend_from_slice(&piece);
    }
    Ok(octets.freeze())
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Kind::TooLarge, format!("the body is larger than the limit of {limit} octets"))
}

fn parse_json<T: DeserializeOwned>(octets: &[u8]) -> Result<T, Problem> {
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
