//! When a request is sent again, and after how long.
//!
//! RFC 9110 §9.2.2 (idempotent methods), §10.2.3 (Retry-After), RFC 6585 §4 (429).

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, Request, StatusCode};

/// How often a request is sent at most.
pub(crate) const ATTEMPTS: u32 = 4;

/// The longest pause. A server that asks for more is asked again after this all the same.
const LONGEST: Duration = Duration::from_secs(60);

/// Whether sending it twice does no more than sending it once.
pub(crate) fn is_repeatable(request: &Request) -> bool {
    let method = request.method();
    [Method::GET, Method::HEAD, Method::PUT, Method::DELETE].contains(method) || request.headers().contains_key("idempotency-key")
}

/// A limit was reached before anything was done; or the server cannot at this moment.
pub(crate) fn is_worthwhile(status: StatusCode, repeatable: bool) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || (repeatable && status == StatusCode::SERVICE_UNAVAILABLE)
}

/// What the server asks for, in seconds; otherwise half a second, and twice as long each time.
pub(crate) fn pause(headers: Option<&HeaderMap>, attempt: u32) -> Duration {
    let asked = headers.and_then(|headers| headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok());
    let pause = asked.map_or(Duration::from_millis(500 << (attempt - 1).min(10)), Duration::from_secs);
    pause.min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_unless_the_server_names_one() {
        let named = |value: &str| HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        assert_eq!(pause(Some(&named("3")), 1), Duration::from_secs(3));
        assert_eq!(pause(Some(&named("3600")), 1), LONGEST);
        assert_eq!([1, 2, 3].map(|attempt| pause(None, attempt).as_millis()), [500, 1000, 2000]);
        assert_eq!(pause(None, 40), LONGEST);
    }
}
