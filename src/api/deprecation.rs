//! Operations that will go: told to their callers in each reply (RFC 9745 §2, RFC 8594 §3) and marked in the document.
//!
//! None is at present. One that is to go gets a line in [`RETIRING`], and `#[deprecated]` beside its `#[utoipa::path]`.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use actix_web::middleware::Next;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// An operation that will go.
struct Retiring {
    method: &'static str,
    /// The pattern of its path, as in the document.
    path: &'static str,
    /// Since when it should not be used, in seconds since 1970.
    since: i64,
    /// When it goes, if that is known.
    until: Option<i64>,
    /// What to use instead.
    instead: &'static str,
}

const RETIRING: &[Retiring] = &[];

/// Tells the callers of operations that will go.
pub(super) async fn tell(request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut reply = next.call(request).await?;
    if !RETIRING.is_empty() {
        let pattern = reply.request().match_pattern().unwrap_or_default();
        let method = reply.request().method().as_str();
        if let Some(retiring) = RETIRING.iter().find(|it| it.path == pattern && it.method == method) {
            retiring.tell(reply.headers_mut());
        }
    }
    Ok(reply)
}

impl Retiring {
    fn tell(&self, headers: &mut HeaderMap) {
        let date = |seconds| {
            DateTimePrinter::new()
                .timestamp_to_rfc9110_string(&Timestamp::from_second(seconds).ok()?)
                .ok()
        };
        let values = [
            (DEPRECATION, Some(format!("@{}", self.since))),
            (SUNSET, self.until.and_then(date)),
            (LINK, Some(format!("<{}>; rel=\"successor-version\"", self.instead))),
        ];
        for (name, value) in values {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.append(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_told_when_and_what_instead() {
        let retiring = Retiring {
            method: "GET",
            path: "/api/v1/old",
            since: 1_688_169_599,
            until: Some(1_719_791_999),
            instead: "/api/v1/new",
        };
        let mut headers = HeaderMap::new();
        retiring.tell(&mut headers);
        assert_eq!(headers.get(DEPRECATION).unwrap(), "@1688169599");
        assert_eq!(headers.get(SUNSET).unwrap(), "Sun, 30 Jun 2024 23:59:59 GMT");
        assert_eq!(headers.get(LINK).unwrap(), "</api/v1/new>; rel=\"successor-version\"");
        assert_eq!((retiring.method, retiring.path), ("GET", "/api/v1/old"));
    }
}
